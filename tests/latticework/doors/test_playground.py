"""The playground as served, and in a browser."""

from __future__ import annotations

import json
import os
import re
import shlex
from base64 import b64encode
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling, TokenSource
from tests.browser import Page, browsing, chromium
from tests.http import send
from tests.scripted import ScriptedEngine, says
from tests.serving import served

MOST_BYTES = 40_000
SCHEMA = '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "maxProperties": 1}'
TOKENS = (
    TokenSource('{"name": "', "forced"),
    TokenSource("Ada ", "copied"),
    TokenSource("Lovelace", "sampled"),
    TokenSource('"}', "forced"),
)
# The smallest contrast that WCAG AA allows small text.
CONTRAST = 4.5


async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    for token in TOKENS:
        yield Piece(token.text, (0,), sources=(token,) if sampling.sources else ())
    end = (TokenSource("", "forced"),) if sampling.sources else ()
    yield Piece("", (0,), finish="stop", sources=end)


def app(**settings: Any) -> Starlette:
    return create_app(ScriptedEngine(script), settings=Settings(**settings))


@pytest.fixture(scope="module")
def page() -> str:
    response = send(app(), "GET", "/playground")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"playground": "on"}, 200),
        ({"playground": "off"}, 404),
        ({"api_keys": ("a",)}, 404),
        ({"api_keys": ("a",), "playground": "on"}, 200),
    ],
)
def test_it_is_off_with_api_keys_unless_enabled(settings: dict[str, Any], status: int) -> None:
    assert Settings(**settings).has_playground is (status == 200)
    assert send(app(**settings), "GET", "/playground").status_code == status


def test_its_policy_allows_its_own_script_and_requests_to_this_server_only(page: str) -> None:
    policy = send(app(), "GET", "/playground").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == "'self'"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert rules[rule] == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    markup = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", markup)


def test_it_is_small_and_loads_nothing_else(page: str) -> None:
    assert len(page.encode()) < MOST_BYTES
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert not re.search(r"@import|\burl\(|\bimport\(", page)


def test_mounted_it_requests_from_its_own_app(page: str) -> None:
    host = Starlette(routes=[Mount("/llm", app())])
    assert send(host, "GET", "/llm/playground").text == page
    assert not re.search(r"[\"'`]/v1", page)


# --- In a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium on the PATH")
    with browsing(program, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def opened(tab: Page) -> Iterator[Page]:
    """The page, ready to use. At the end the browser must have logged no errors."""
    with at(tab, app()):
        tab.until("document.querySelector('#counts').textContent")
        yield tab
    assert tab.errors == []


@contextmanager
def at(tab: Page, served_app: Starlette) -> Iterator[None]:
    """The tab at this app's playground; it leaves before the server stops."""
    tab.look(1400, 860)
    with served(served_app, Settings()) as server:
        tab.errors.clear()
        tab.requested.clear()
        tab.open(f"http://127.0.0.1:{server.address[1]}/playground")
        yield
        tab.open("about:blank")


def focus(tab: Page, name: str) -> None:
    """With the keyboard alone."""
    for _ in range(40):
        if tab.evaluate("document.activeElement.id") == name:
            return
        tab.press("Tab")
    raise AssertionError(f"{name} can't be reached by the keyboard")


def text(tab: Page, selector: str) -> str:
    return str(tab.evaluate(f"document.querySelector('{selector}').textContent"))


def write(tab: Page, name: str, written: str) -> None:
    """Replaces the text of a field."""
    focus(tab, name)
    tab.send("Input.dispatchKeyEvent", type="rawKeyDown", key="a", modifiers=2, commands=["selectAll"])
    tab.type(written)


def test_a_schema_is_typed_explained_and_answered(opened: Page) -> None:
    write(opened, "schema", SCHEMA)
    opened.until("document.querySelector('#findings').textContent.includes('maxProperties')")
    assert text(opened, "#read") == "Read as a schema."
    assert "type, required, maxProperties" in text(opened, "#findings")
    assert "closed by default" in text(opened, "#findings")
    assert "enforced" in text(opened, "#counts")
    assert '"maxProperties": 1' in text(opened, "#code")

    opened.press("Enter", control=True)
    opened.until("document.querySelector('#state').textContent.startsWith('Finished')")
    shown = opened.evaluate("[...document.querySelectorAll('#out span')].map(one => [one.textContent, one.className])")
    assert shown == [*([token.text, token.source] for token in TOKENS), ["∎", "forced"]]
    assert [text(opened, f"#n-{source}") for source in ("forced", "copied", "sampled")] == ["3", "1", "1"]
    assert (text(opened, "#saved"), text(opened, "#total")) == ("4", "5")
    assert "5 tokens" in text(opened, "#state")
    assert '"name": "Ada Lovelace"' in text(opened, "#message")
    colours = opened.evaluate(
        "['forced', 'copied', 'sampled'].map(kind => document.querySelector(`#out .${kind}`))"
        ".map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 3


def test_it_loads_in_one_request_and_contacts_only_its_server(opened: Page) -> None:
    origin = opened.requested[0].removesuffix("/playground")
    assert [url.removeprefix(origin) for url in opened.requested] == ["/playground", "/v1/models", "/v1/grammars"]


def test_the_history_survives_a_reload_and_restores_requests(opened: Page) -> None:
    write(opened, "schema", SCHEMA)
    write(opened, "prompt", "Who wrote the first program?")
    opened.press("Enter", control=True)
    opened.until("document.querySelectorAll('#history tbody tr').length == 1")
    address = opened.evaluate("location.href")
    opened.open(address)
    opened.until("document.querySelectorAll('#history tbody tr').length == 1")
    assert "4 (80%)" in text(opened, "#history tbody")
    opened.evaluate("document.querySelector('#history button').click()")
    assert opened.evaluate("document.querySelector('#prompt').value") == "Who wrote the first program?"


def test_a_model_can_be_chosen_and_the_history_records_it(tab: Page) -> None:
    one, two = (ScriptedEngine(script, names) for names in (("one",), ("two", "alias")))
    chosen = "document.querySelector('#model').value"
    with at(tab, create_app(one, two)):
        tab.until("document.querySelector('#counts').textContent")
        assert tab.evaluate("[...document.querySelector('#model').options].map(one => one.value)") == [
            "one",
            "two",
            "alias",
        ]
        write(tab, "schema", SCHEMA)
        focus(tab, "model")
        tab.press("ArrowDown")
        assert tab.evaluate(chosen) == "two"
        tab.press("Enter", control=True)
        tab.until("document.querySelector('#state').textContent.startsWith('Finished')")
        assert (len(one.asked), len(two.asked)) == (0, 1)
        tab.press("ArrowUp")
        assert tab.evaluate(chosen) == "one"
        tab.evaluate("document.querySelector('#history button').click()")
        assert tab.evaluate(chosen) == "two"


def test_an_interrupted_answer_is_reported(opened: Page) -> None:
    """The scripted engine ignores the example's schema."""
    opened.press("Enter", control=True)
    opened.until("document.querySelector('#answer-error').textContent")
    assert "violates its schema" in text(opened, "#answer-error")
    assert text(opened, "#state").startswith("Interrupted")


def test_invalid_input_is_reported_beside_it(opened: Page) -> None:
    write(opened, "schema", '{"type": ')
    opened.until("document.querySelector('#schema').getAttribute('aria-invalid') == 'true'")
    assert text(opened, "#read").startswith("Invalid input")
    write(opened, "schema", '{"type": "thing"}')
    opened.until("document.querySelector('#report-error').textContent")
    assert text(opened, "#report-error").startswith("400: ")
    opened.errors.clear()  # browsers log every response but a 200


def test_tools_are_recognized_and_shown_as_python(opened: Page) -> None:
    write(opened, "schema", '{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}')
    opened.until("document.querySelector('#findings').textContent.includes('add /')")
    assert text(opened, "#read") == "Read as 1 tool."
    opened.evaluate("document.querySelector('[value=python]').click()")
    code = text(opened, "#code")
    compile(code, "example", "exec")
    assert 'tool_choice="required"' in code


TURNS: dict[str, Any] = {
    "a schema": json.loads(SCHEMA),
    "a format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": json.loads(SCHEMA)}},
    "an object": {"type": "json_object"},
    "tools": {
        "tools": [
            {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}},
            {"type": "custom", "custom": {"name": "run", "format": {
                "type": "grammar", "grammar": {"syntax": "lark", "definition": 'start: "ls" | "it\'s"'}}}},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
            {"type": "custom", "custom": {"name": "run"}}]}},
    },
    "a named tool": {
        "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
    },
    "a regex": {"structured_outputs": {"regex": "a"}},
}  # fmt: skip


PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_the_request_is_also_shown_for_other_apis(opened: Page, turn: str) -> None:
    """The same turn: the engine is asked for the same grammar. Messages have a limit, and no custom tools."""
    write(opened, "schema", json.dumps(TURNS[turn]))
    opened.until("document.querySelector('#read').textContent.startsWith('Read as ')")
    engine = ScriptedEngine(says("x", finish="length"))
    for api, path in PATHS.items():
        opened.evaluate(f"document.querySelector('[value={api}]').click()")
        opened.evaluate("document.querySelector('[value=python]').click()")
        compile(text(opened, "#code"), "example", "exec")
        opened.evaluate("document.querySelector('[value=curl]').click()")
        command = text(opened, "#code")
        assert path in command
        body = shlex.split(command)[-1]
        response = send(create_app(engine, settings=Settings(compile_timeout=60)), "POST", path, content=body)
        assert response.status_code == 200, response.text
        assert "x-latticework-ignored" not in response.headers
    assert engine.asked[0] == engine.asked[1]
    assert turn == "tools" or engine.asked[2].grammar == engine.asked[0].grammar
    opened.evaluate("document.querySelector('[value=chat]').click()")


def test_it_asks_for_a_required_key(tab: Page) -> None:
    with at(tab, app(api_keys=("the-key",), playground="on")):
        tab.until("document.activeElement.id == 'key'")
        assert text(tab, "#ask-error").startswith("401: ")
        tab.type("the-key")
        tab.press("Enter")
        tab.until("document.querySelector('#counts').textContent")
        assert text(tab, "#ask-error") == ""
        assert "YOUR-API-KEY" in text(tab, "#code")
        assert "the-key" not in text(tab, "#code")


NARROWEST = 360


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [NARROWEST, 900, 1400])
def test_it_is_accessible(opened: Page, width: int, dark: bool) -> None:
    opened.look(width, 860, dark=dark)
    write(opened, "schema", SCHEMA)
    opened.press("Enter", control=True)
    opened.until("document.querySelector('#state').textContent.startsWith('Finished')")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert unnamed(opened) == []
    assert opened.evaluate(FAINT.replace("CONTRAST", str(CONTRAST))) == []
    axe = Path(os.environ.get("AXE_CORE", "axe.min.js"))  # of the package axe-core, if installed
    if axe.exists():
        opened.evaluate(axe.read_text())
        listed = "violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`))"
        assert opened.evaluate(f"axe.run().then(results => results.{listed})") == []


OPERATED = {"textbox", "combobox", "button", "spinbutton", "radio", "region"}


def unnamed(tab: Page) -> list[str]:
    """The roles of controls without an accessible name."""
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if not node["ignored"]]
    assert {role for role, _ in roles} >= OPERATED
    return [role for role, name in roles if role in OPERATED and not name]


# The texts with too little contrast.
FAINT = """(() => {
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const light = rgb => rgb.slice(0, 3)
    .map(one => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const [r, g, b, alpha = 1] = colour(getComputedStyle(element).backgroundColor);
      if (alpha) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const contrast = element => {
    const both = [light(colour(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05);
  };
  const written = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter(one => written(one) && one.checkVisibility() && !one.disabled)
    .filter(one => !["SCRIPT", "OPTION"].includes(one.tagName))
    .filter(one => contrast(one) < CONTRAST).map(one => `${one.outerHTML.slice(0, 80)} ${contrast(one).toFixed(2)}`);
})()"""

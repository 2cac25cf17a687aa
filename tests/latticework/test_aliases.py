"""Aliases: further names of models, one name each or all names with a prefix."""

from __future__ import annotations

import asyncio
import re

import pytest
from starlette.applications import Starlette

from latticework import Settings, create_app, lifespan
from latticework.aliases import ALIASES, Aliases
from latticework.options import InvalidSetting
from latticework.settings import OPTIONS, environment_settings
from tests.http import USER, chat, events, send
from tests.scripted import ScriptedEngine, says

VARIABLE = "LATTICEWORK_ALIASES"


def two(*aliases: str) -> tuple[Starlette, ScriptedEngine, ScriptedEngine]:
    """An app of a small model, with a second name, and a large one."""
    small, large = ScriptedEngine(says("small"), ("org/small", "s")), ScriptedEngine(says("large"), ("large",))
    return create_app(small, large, settings=Settings(aliases=aliases)), small, large


READ = [
    ("a=m", ("a=m",)),
    (" claude-* = org/m , b=m,", ("claude-*=org/m", "b=m")),
    ("*=m", ("*=m",)),
    ("a=/models/x=1", ("a=/models/x=1",)),
    ('["a=m", "b*=m"]', ("a=m", "b*=m")),
    ('{"claude-*": "m", "b": "/models/a,b"}', ("claude-*=m", "b=/models/a,b")),
    ('{"a": "m", "a": "n"}', ("a=m", "a=n")),  # refused later, as elsewhere
    ("", ()),
]


@pytest.mark.parametrize(("text", "aliases"), READ)
def test_aliases_are_read(text: str, aliases: tuple[str, ...]) -> None:
    assert environment_settings({VARIABLE: text}) == {"aliases": aliases}


WRONG = [
    "m", "=m", "a=", "=", "a*b=m", "*a=m", "a**=m", "[1]", '["a"]', '{"a": 1}', '{"a": ["m"]}', '{"a": ""}',
    '{"": "m"}', '{"a=b": "m"}', '{"a": {"b": "m"}}', '{"a"', "[",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_alias_is_refused(text: str) -> None:
    expected = rf"{VARIABLE}: must be NAME=MODEL, where NAME may have one \* at its end, not {re.escape(repr(text))}$"
    with pytest.raises(InvalidSetting, match=expected):
        environment_settings({VARIABLE: text})


def test_the_flag_is_of_one_alias() -> None:
    [option] = [option for option in OPTIONS if option.name == "aliases"]
    assert (option.flag, option.kind) == ("--alias", ALIASES)


CALLED = [
    ("org/small", "small"),
    ("s", "small"),
    ("large", "large"),
    ("claude-haiku-4-5", "small"),  # exact before any prefix
    ("claude-haiku-4-5-20251001", "large"),
    ("claude-haiku-3", "small"),  # the longer prefix
    ("claude-sonnet-4-5", "large"),
    ("claude-", "large"),
    ("gpt-4o", "small"),
]
ALIASED = ("claude-*=large", "claude-haiku-4-5=org/small", "claude-haiku-*=s", "claude-haiku-4-5-*=large", "gpt-4o=s")


@pytest.mark.parametrize(("name", "model"), CALLED)
def test_the_nearest_alias_answers_and_the_response_has_the_name_of_the_request(name: str, model: str) -> None:
    app, *_ = two(*ALIASED)
    body = chat(app, model=name).json()
    assert (body["choices"][0]["message"]["content"], body["model"]) == (model, name)
    *chunks, _ = events(chat(app, model=name, stream=True))
    assert {chunk["model"] for chunk in chunks} == {name}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "a"}),
        ("/v1/messages", {"messages": [USER], "max_tokens": 9}),
        ("/v1/responses", {"input": "a"}),
        ("/v1/grammars", {"response_format": {"type": "json_object"}}),
    ],
)
def test_every_door_knows_aliases(path: str, body: dict[str, object]) -> None:
    app, *_ = two(*ALIASED)
    response = send(app, "POST", path, json={**body, "model": "claude-opus"})
    assert (response.status_code, response.json()["model"]) == (200, "claude-opus")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tokenize", {"prompt": "a"}),
        ("/v1/responses/input_tokens", {"input": "a"}),
        ("/v1/messages/count_tokens", {"messages": [USER]}),
    ],
)
def test_tokens_are_counted_under_an_alias(path: str, body: dict[str, object]) -> None:
    app, *_ = two(*ALIASED)
    assert send(app, "POST", path, json={**body, "model": "claude-opus"}).status_code == 200
    headers = {"anthropic-version": "2023-06-01"}
    unknown = send(app, "POST", path, json={**body, "model": "unknown"}, headers=headers)
    assert (unknown.status_code, "'claude-*'" in unknown.text) == (404, True)


def test_a_prefix_matches_no_name_that_is_long() -> None:
    app, *_ = two("*=large", f"{'a' * 300}=s")
    assert chat(app, model="a" * 256).json()["model"] == "a" * 256
    assert chat(app, model="a" * 257).status_code == 404
    assert chat(app, model="a" * 300).status_code == 200


def test_an_alias_before_nothing_answers_every_name() -> None:
    app, *_ = two("*=large")
    assert chat(app, model="whatever").json()["choices"][0]["message"]["content"] == "large"
    assert chat(app, model="s").json()["choices"][0]["message"]["content"] == "small"


def test_without_an_alias_a_name_is_unknown_and_all_names_are_listed() -> None:
    app, *_ = two("claude-*=large", "fast=s")
    for response in (chat(app, model="Claude-opus"), send(app, "GET", "/v1/models/Claude-opus")):
        assert response.status_code == 404
        names = "'org/small', 's', 'large', 'claude-*', 'fast'"
        assert (
            response.json()["error"]["message"] == f"The model 'Claude-opus' does not exist. This server has {names}."
        )


def test_metrics_have_the_models_own_name() -> None:
    app, *_ = two("claude-*=large")
    chat(app, model="claude-opus")
    counted = send(app, "GET", "/metrics").text
    assert 'latticework_requests_total{model="large",outcome="stop"} 1.0' in counted
    assert "claude" not in counted
    assert "claude-opus" not in send(app, "GET", "/health").json()["models"]


REFUSED = [
    (("a=none",), "aliases: 'a' is an alias of 'none', but this server has 'org/small', 's', 'large'"),
    (("b=a", "a=s"), "aliases: 'b' is an alias of 'a', but this server has 'org/small', 's', 'large'"),
    (("s=large",), "aliases: 's' is the name of a model that this server has"),
    (("a=s", "a=large"), "aliases: 'a' is set twice, for 's' and for 'large'"),
    (("a*=s", "a*=s"), "aliases: 'a*' is set twice, for 's' and for 's'"),
    (("a",), "aliases: must be NAME=MODEL, where NAME may have one * at its end, not 'a'"),
]


@pytest.mark.parametrize(("aliases", "message"), REFUSED)
def test_an_alias_that_leads_nowhere_is_refused_at_once(aliases: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidSetting, match=re.escape(message) + "$"):
        two(*aliases)


class Late(ScriptedEngine):
    """Its name is an address until it has started."""

    async def start(self) -> None:
        await super().start()
        self.model_ids = ("late",)


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("a=http://x", "aliases: 'a' is an alias of 'http://x', but this server has 'late'"),
        ("a=lat", "aliases: 'a' is an alias of 'lat', but this server has 'late'"),
        ("late=late", "aliases: 'late' is the name of a model that this server has"),
        ("a=late", None),
    ],
)
def test_names_that_are_known_late_are_looked_at_then(alias: str, message: str | None) -> None:
    engine = Late(says("x"), ("http://x",), learns_names=True)
    app = create_app(engine, settings=Settings(aliases=(alias,)))

    async def run() -> None:
        async with lifespan(app)(None):
            assert message is None
            assert engine.starts == 1

    if message is None:
        asyncio.run(run())
    else:
        with pytest.raises(InvalidSetting, match=re.escape(message) + "$"):
            asyncio.run(run())
    assert engine.starts == 0


def test_what_is_no_list_of_texts_is_refused() -> None:
    for wrong in ("a=m", (1,), {"a": "m"}):
        with pytest.raises(InvalidSetting, match="aliases: must be NAME=MODEL"):
            Aliases(wrong)  # type: ignore[arg-type]

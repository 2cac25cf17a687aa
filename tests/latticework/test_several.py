"""Several models in one app, each with its own engine, vocabulary, wire format, settings and faults."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from latticework import Served, Settings, create_app, lifespan, supervisor
from latticework.engines.base import EngineDead, Piece, Sampling
from latticework.engines.vocabulary import Vocabulary
from latticework.options import InvalidSetting
from latticework.telemetry import merge_metrics
from tests.free import free
from tests.http import USER, chat, send
from tests.scripted import ByteTokenizer, MarkedTokenizer, Script, ScriptedEngine, says

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
ADD = {"type": "function", "function": {"name": "add", "parameters": SCHEMA}}
UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
AS_UNIQUE = {"type": "json_schema", "json_schema": {"name": "u", "schema": UNIQUE}}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
# How three of the formats begin a call.
FORMATS = {"hermes": "<tool_call>", "mistral_v3": "[TOOL_CALLS]", "pythonic": "["}


class Tagged(ByteTokenizer):
    """A vocabulary in which <tool_call> is a token of its own."""

    vocabulary = Vocabulary("byte", special_tokens={"<tool_call>": 7})
    special_tokens: Mapping[str, int] = {"<tool_call>": 7}


def engine(name: str, script: Script | None = None, **fields: Any) -> ScriptedEngine:
    return ScriptedEngine(script or says("hello"), (name,), **fields)


def content(response: httpx.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def test_each_model_calls_in_its_own_format() -> None:
    engines = {name: engine(name, free(0, 4000)) for name in FORMATS}
    app = create_app(*(Served(one, tool_format=name) for name, one in engines.items()))
    for name, opening in FORMATS.items():
        message = chat(app, model=name, tools=[ADD], tool_choice="required").json()["choices"][0]["message"]
        assert message["tool_calls"][0]["function"]["name"] == "add"
        explained = send(app, "POST", "/v1/grammars", json={"model": name, "tools": [ADD]}).json()
        assert (explained["model"], explained["format"]) == (name, name)
        assert opening in (engines[name].asked[-1].grammar or "")


def test_each_model_has_its_own_vocabulary() -> None:
    plain, tagged = engine("plain"), engine("tagged", tokenizer=Tagged())
    app = create_app(plain, tagged, settings=Settings(tool_format="hermes"))
    grammars = {}
    for name in ("plain", "tagged"):
        body = {"model": name, "tools": [ADD], "tool_choice": "required"}
        grammars[name] = send(app, "POST", "/v1/grammars", json=body).json()["grammar"]
    assert "<[7]>" in grammars["tagged"]
    assert "<[7]>" not in grammars["plain"]


def _attempts(app: Starlette, one: ScriptedEngine) -> int:
    chat(app, model=one.model_ids[0], response_format=AS_UNIQUE)
    return len(one.asked)


def _has_schema_in_prompt(app: Starlette, one: ScriptedEngine) -> bool:
    chat(app, model=one.model_ids[0], response_format=AS_SCHEMA)
    return "integer" in one.prompts[-1]


def _forged(app: Starlette, one: ScriptedEngine) -> int:
    chat(app, model=one.model_ids[0], messages=[{"role": "user", "content": "<|im_end|>"}])
    return one.prompts[-1].count(MarkedTokenizer.letters["<|im_end|>"])


def _crowd(app: Starlette, one: ScriptedEngine) -> int:
    return chat(app, model=one.model_ids[0], n=3).status_code


def _calls(app: Starlette, one: ScriptedEngine) -> int:
    return chat(app, model=one.model_ids[0], tools=[ADD]).status_code


CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'


# A setting, its value for one model and for all, the answer, what is observed, and both results.
OWN_SETTINGS: list[tuple[str, Any, Any, str, Callable[[Starlette, ScriptedEngine], Any], tuple[Any, Any]]] = [
    ("attempts", 1, 2, '["a", "a"]', _attempts, (1, 2)),
    ("schema_in_prompt", "never", "always", "hello", _has_schema_in_prompt, (False, True)),
    ("markup_in_text", True, False, "hello", _forged, (2, 1)),
    ("max_queue", 1, 2, "hello", _crowd, (400, 200)),
    ("max_tool_calls", 1, 2, CALL + CALL, _calls, (500, 200)),
]


@pytest.mark.parametrize(("name", "own", "shared", "answer", "observe", "shown"), OWN_SETTINGS)
def test_a_models_own_setting_is_no_other_models(
    name: str,
    own: Any,
    shared: Any,
    answer: str,
    observe: Callable[[Starlette, ScriptedEngine], Any],
    shown: tuple[Any, Any],
) -> None:
    one, other = (engine(which, says(answer), max_running=1, tokenizer=MarkedTokenizer()) for which in ("one", "other"))
    app = create_app(Served(one, **{name: own}), other, settings=Settings(tool_format="hermes", **{name: shared}))
    assert (observe(app, one), observe(app, other)) == shown
    health = send(app, "GET", "/health").json()
    assert health["settings"][name] == shared
    assert health["models"]["one"]["settings"] == {name: own}
    assert health["models"]["other"]["settings"] == {}


def test_each_engine_is_started_again_as_often_as_its_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "HEALTH_CHECK_INTERVAL", 0)
    one, other = engine("one"), engine("other")

    async def run() -> str:
        app = create_app(Served(one, engine_restarts=0), other, settings=Settings(engine_restarts=7))
        async with lifespan(app)(None), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            one.dead = other.dead = True
            for _ in range(20):  # their supervisors check them
                await asyncio.sleep(0)
            return (await client.get("http://test/health")).text

    health = asyncio.run(run())
    assert "one: The engine has died and used all its restarts (engine_restarts: 0)" in health
    assert "other: The engine has died. It is being restarted (attempt 1 of 7)" in health


def test_what_is_no_models_own_setting_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"'port' is not a setting of a model: those are .*tool_format"):
        Served(engine("one"), port=1)  # type: ignore[call-arg]
    with pytest.raises(InvalidSetting, match=r"tool_format: 'morse' is unknown; formats: .*hermes"):
        create_app(Served(engine("one"), tool_format="morse"))


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidSetting, match="2 models have the name 'alias'"):
        create_app(engine("one"), ScriptedEngine(says(), ("two", "alias")), engine("alias"))


def test_a_name_that_is_known_late_is_refused_then() -> None:
    class Late(ScriptedEngine):
        async def start(self) -> None:
            await super().start()
            self.model_ids = ("one",)

    one, late = engine("one"), Late(says(), ("late",))
    with pytest.raises(InvalidSetting, match="2 models have the name 'one'"):
        asyncio.run(_run(create_app(one, late)))
    assert (one.starts, late.starts) == (0, 0)


async def _run(app: Starlette) -> None:
    async with lifespan(app)(None):
        pass


def test_models_are_loaded_in_their_order_and_one_that_fails_leaves_none_behind() -> None:
    log: list[str] = []

    class Logged(ScriptedEngine):
        async def start(self) -> None:
            log.append(f"{self.model_ids[0]} starts")
            await asyncio.sleep(0)
            if self.dead:
                raise EngineDead("no memory left")
            log.append(f"{self.model_ids[0]} has started")

        async def stop(self) -> None:
            log.append(f"{self.model_ids[0]} stops")

    one, two, three = (Logged(says(), (name,)) for name in ("one", "two", "three"))
    two.dead = True
    with pytest.raises(EngineDead, match="no memory left"):
        asyncio.run(_run(create_app(one, two, three)))
    assert log[:3] == ["one starts", "one has started", "two starts"]
    assert sorted(log[3:]) == ["one stops", "two stops"]


def test_a_model_that_dies_leaves_the_others_served() -> None:
    one, other = engine("one"), engine("other")
    app = create_app(one, other)
    chat(app, model="one")
    one.dead = True
    refused = chat(app, model="one")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_unavailable")
    assert content(chat(app, model="other")) == "hello"
    health = send(app, "GET", "/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    states = health.json()["models"]
    down = {"status": "down", "running": 0, "settings": {}, "reason": "The engine has died."}
    assert {name: value for name, value in states["one"].items() if value is not None} == down
    assert states["other"]["status"] == "ok"
    assert [card["id"] for card in send(app, "GET", "/v1/models").json()["data"]] == ["one", "other"]
    other.dead = True
    health = send(app, "GET", "/health")
    assert health.status_code == 503
    assert re.search(r"one: The engine has died.* other: The engine has died", health.json()["error"]["message"])


def test_an_answer_that_runs_while_another_model_dies_is_finished() -> None:
    dying = asyncio.Event()

    async def waits(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("well ", (0,))
        await dying.wait()
        yield Piece("done", (0,), finish="stop")

    async def dies(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        dying.set()
        raise EngineDead("killed")
        yield

    async def run() -> list[httpx.Response]:
        app = create_app(engine("one", waits), engine("other", dies))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            asks = ({"model": name, "messages": [USER]} for name in ("one", "other"))
            return list(await asyncio.gather(*(client.post("/v1/chat/completions", json=ask) for ask in asks)))

    one, other = asyncio.run(run())
    assert content(one) == "well done"
    assert other.status_code == 503


@pytest.mark.parametrize("path", ["/v1/models/three", "/v1/chat/completions"])
def test_a_model_that_is_not_there_is_a_404_that_lists_those_that_are(path: str) -> None:
    app = create_app(engine("one"), ScriptedEngine(says(), ("two", "alias")))
    response = send(app, "GET", path) if path.startswith("/v1/models") else chat(app, model="three")
    assert response.status_code == 404
    assert response.json()["error"]["message"].endswith("This server has 'one', 'two', 'alias'.")


def test_counts_are_by_model() -> None:
    one, other = engine("one", says('{"n": 1}')), engine("other", says("not JSON"))
    app = create_app(one, other)
    chat(app, model="one", response_format=AS_SCHEMA)
    chat(app, model="other", response_format=AS_SCHEMA)
    one.dead = True
    counted = send(app, "GET", "/metrics").text.splitlines()
    assert 'latticework_broken_guarantees_total{model="one"} 0.0' in counted
    assert 'latticework_broken_guarantees_total{model="other"} 1.0' in counted
    assert 'latticework_requests_total{model="one",outcome="stop"} 1.0' in counted
    assert 'latticework_requests_total{model="other",outcome="invalid_output"} 1.0' in counted
    assert 'latticework_model_up{model="one"} 0.0' in counted
    assert 'latticework_model_up{model="other"} 1.0' in counted
    assert counted.count("# HELP scripted nothing is counted") == 1
    assert len(counted) == len(set(counted))


TEXTS = [
    ([], ""),
    (["# HELP a A.\na 1\n", "# HELP b B.\nb 2\n"], "# HELP a A.\na 1\n# HELP b B.\nb 2\n"),
    # A family that several have is told once, with the series of all.
    (
        ['# HELP a A.\n# TYPE a gauge\na{m="x y"} 1\n# HELP b B.\nb 1\n', '# HELP a C.\n# TYPE a gauge\na{m="z"} 2\n'],
        '# HELP a A.\n# TYPE a gauge\na{m="x y"} 1\na{m="z"} 2\n# HELP b B.\nb 1\n',
    ),
    # A series that several have is told once.
    (["# TYPE a gauge\na 1\n", "# TYPE a gauge\na 2\n"], "# TYPE a gauge\na 1\n"),
    # A line of Python's is not one of Prometheus'.
    (['# TYPE a gauge\na{m="\u2028"} 1\n'], '# TYPE a gauge\na{m="\u2028"} 1\n'),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "whole"), TEXTS)
def test_counts_of_several_engines_are_one_text(texts: list[str], whole: str) -> None:
    assert merge_metrics([text.encode() for text in texts]).decode() == whole

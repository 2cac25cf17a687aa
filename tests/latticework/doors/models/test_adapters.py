"""Adapters as names of models: who answers, how they are listed, loaded and unloaded."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from latticework import Settings, create_app
from latticework.doors.models.adapters import ALLOWED
from latticework.engines.base import Adapter, AdapterRefused
from tests.http import USER, send
from tests.scripted import ScriptedEngine, says

ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [USER]},
    "/v1/completions": {"prompt": "a"},
    "/v1/responses": {"input": "a"},
    "/v1/messages": {"messages": [USER], "max_tokens": 9},
}


class Shelf:
    """Adapters that are there, but for those whose folder is named `none`."""

    def __init__(self, *adapters: Adapter) -> None:
        self.loaded = {adapter.name: adapter for adapter in adapters}

    async def load(self, adapter: Adapter) -> None:
        if adapter.path == "none":
            raise AdapterRefused("No adapter found for none")
        self.loaded[adapter.name] = adapter

    def unload(self, name: str) -> None:
        del self.loaded[name]


class Adapted(ScriptedEngine):
    @property
    def names(self) -> tuple[str, ...]:
        return ("scripted", *self.adapters.loaded) if self.adapters else ("scripted",)

    def __getattribute__(self, name: str) -> Any:
        """Its names change."""
        return super().__getattribute__("names" if name == "model_ids" else name)


def adapted(*names: str) -> Adapted:
    return Adapted(says("hi"), adapters=Shelf(*(Adapter(name, f"/of/{name}") for name in names)))


def post(app: Starlette, path: str, **fields: Any) -> httpx.Response:
    return send(app, "POST", path, json=fields)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
def test_a_request_for_its_name_or_alias_is_answered_by_it(path: str, stream: bool) -> None:
    engine = adapted("poet", "clerk")
    app = create_app(engine, settings=Settings(aliases=("gpt-4=poet", "other=scripted")))
    for name in ("poet", "gpt-4", "clerk", "scripted", "other"):
        assert post(app, path, model=name, stream=stream, **ASKED[path]).status_code == 200
    assert [sampling.adapter for sampling in engine.asked] == ["poet", "poet", "clerk", None, None]


def test_a_response_has_its_name() -> None:
    assert post(create_app(adapted("poet")), "/v1/completions", model="poet", prompt="a").json()["model"] == "poet"


def test_they_are_listed_below_their_model() -> None:
    app = create_app(adapted("poet"))
    model, poet = send(app, "GET", "/v1/models").json()["data"]
    assert (model["id"], "parent" in model) == ("scripted", False)
    assert (poet["id"], poet["root"], poet["parent"]) == ("poet", "/of/poet", "scripted")
    assert send(app, "GET", "/v1/models/poet").json() == poet


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOWED, "1")


@pytest.mark.usefixtures("allowed")
def test_they_are_loaded_and_unloaded() -> None:
    engine = adapted()
    app = create_app(engine)
    loaded = post(app, "/v1/load_lora_adapter", lora_name="poet", lora_path="/p")
    assert (loaded.status_code, loaded.text) == (200, "Success: LoRA adapter 'poet' added successfully.")
    assert post(app, "/v1/completions", model="poet", prompt="a").status_code == 200
    again = post(app, "/v1/load_lora_adapter", lora_name="poet", lora_path="/q")
    assert (again.status_code, again.json()["error"]["param"]) == (400, "lora_name")
    assert post(app, "/v1/load_lora_adapter", lora_name="poet", lora_path="/q", load_inplace=True).status_code == 200
    assert [card["root"] for card in send(app, "GET", "/v1/models").json()["data"][1:]] == ["/q"]
    gone = post(app, "/v1/unload_lora_adapter", lora_name="poet")
    assert (gone.status_code, gone.text) == (200, "Success: LoRA adapter 'poet' removed successfully.")
    assert post(app, "/v1/completions", model="poet", prompt="a").status_code == 404
    unknown = post(app, "/v1/unload_lora_adapter", lora_name="poet")
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (404, "lora_name")
    assert [sampling.adapter for sampling in engine.asked] == ["poet"]


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"lora_name": "a", "lora_path": "none"}, "lora_path"),
        ({"lora_name": "scripted", "lora_path": "/a"}, "lora_name"),
        ({"lora_name": "scripted", "lora_path": "/a", "load_inplace": True}, "lora_name"),
        ({"lora_name": "gpt-4", "lora_path": "/a"}, "lora_name"),
        ({"lora_name": "", "lora_path": "/a"}, "lora_name"),
        ({"lora_name": "a"}, "lora_path"),
        ({"lora_name": "a", "lora_path": 1}, "lora_path"),
        ({"lora_name": "a", "lora_path": "/a", "load_inplace": "yes"}, "load_inplace"),
    ],
)
def test_what_can_not_be_loaded_is_refused(fields: dict[str, Any], param: str) -> None:
    app = create_app(adapted(), settings=Settings(aliases=("gpt-4=scripted",)))
    response = post(app, "/v1/load_lora_adapter", **fields)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


@pytest.mark.usefixtures("allowed")
def test_a_model_without_adapters_takes_none() -> None:
    response = post(create_app(ScriptedEngine(says("a"))), "/v1/load_lora_adapter", lora_name="a", lora_path="/a")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "model")


@pytest.mark.usefixtures("allowed")
def test_of_several_models_one_is_named() -> None:
    other = ScriptedEngine(says("a"), ("other",))
    app = create_app(adapted(), other)
    fields = {"lora_name": "a", "lora_path": "/a"}
    assert post(app, "/v1/load_lora_adapter", **fields).json()["error"]["param"] == "model"
    assert post(app, "/v1/load_lora_adapter", **fields, model="scripted").status_code == 200


@pytest.mark.parametrize("path", ["/v1/load_lora_adapter", "/v1/unload_lora_adapter"])
def test_they_change_only_where_that_is_allowed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = adapted("poet")
    for value in ("", "0", "no"):
        monkeypatch.setenv(ALLOWED, value)
        response = post(create_app(engine), path, lora_name="poet", lora_path="/p", load_inplace=True)
        assert (response.status_code, ALLOWED in response.json()["error"]["message"]) == (404, True)
    assert list(engine.adapters.loaded if engine.adapters else ()) == ["poet"]
    monkeypatch.setenv(ALLOWED, "true")
    guarded = create_app(engine, settings=Settings(api_keys=("secret",)))
    assert post(guarded, path, lora_name="poet", lora_path="/p").status_code == 401

"""Stored responses: continued, read, listed, deleted, bounded, and each key's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from latticework import Settings, create_app
from latticework.doors.responses.store import ResponseStore, StoredResponse
from latticework.options import InvalidSetting
from tests.http import send
from tests.latticework.doors.responses.responding import (
    ADD,
    respond,
    scripted,
    serving,
    streamed,
    validate,
    whole,
)
from tests.scripted import says

CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'


def get(app: ASGIApp, path: str, headers: dict[str, str] | None = None) -> Any:
    return send(app, "GET", f"/v1/responses/{path}", headers=headers)


def test_it_is_what_was_sent() -> None:
    app = serving("hello")
    for sent in (whole(app), streamed(app)[-1]["response"]):
        stored = get(app, sent["id"]).json()
        assert stored == sent
        validate("Response", stored)


def test_a_conversation_goes_on() -> None:
    """The later request has the whole conversation, without the earlier instructions."""
    engine = scripted(says("hello"))
    app = create_app(engine)
    first = whole(app, "hi", instructions="Be short.")
    second = whole(app, "more", previous_response_id=first["id"])
    whole(app, "and more", previous_response_id=second["id"])
    messages = [("user", "hi"), ("assistant", "hello"), ("user", "more"), ("assistant", "hello"), ("user", "and more")]
    whole(app, [{"role": role, "content": text} for role, text in messages])
    assert engine.prompts[-2] == engine.prompts[-1]
    assert "Be short." in engine.prompts[0] and "Be short." not in engine.prompts[1]


def test_an_agents_loop() -> None:
    """The second request has nothing but the outputs."""
    app = serving(CALL)
    first = whole(app, "hi", tools=[ADD])
    call = first["output"][0]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "2"}
    assert respond(app, [output], tools=[ADD], previous_response_id=first["id"]).status_code == 200
    by_reference = [{"role": "user", "content": "hi"}, {"type": "item_reference", "id": call["id"]}, output]
    assert respond(app, by_reference, tools=[ADD]).status_code == 200
    without_type = [{"role": "user", "content": "hi"}, {"id": call["id"]}, output]
    assert respond(app, without_type, tools=[ADD]).status_code == 200


def test_its_input() -> None:
    app = serving("hello")
    items: list[dict[str, Any]] = [
        {"role": "user", "content": "hi"},
        {"type": "function_call", "call_id": "a", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "2"},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": [{"type": "input_text", "text": "more"}]},
    ]
    name = whole(app, items)["id"]
    listed = get(app, f"{name}/input_items").json()
    validate("ResponseItemList", listed)
    assert [item["type"] for item in listed["data"]] == [item.get("type", "message") for item in reversed(items)]
    first = get(app, f"{name}/input_items?order=asc&limit=2").json()
    rest = get(app, f"{name}/input_items?order=asc&after={first['last_id']}").json()
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert [*first["data"], *rest["data"]] == listed["data"][::-1]
    for query in ("limit=0", "limit=101", "limit=x", "limit=²", "after=msg_0"):
        assert get(app, f"{name}/input_items?{query}").status_code == 400


def test_gone_is_gone() -> None:
    app = serving("hello")
    name = whole(app)["id"]
    deleted = send(app, "DELETE", f"/v1/responses/{name}")
    assert deleted.json() == {"id": name, "object": "response", "deleted": True}
    for response in (get(app, name), get(app, f"{name}/input_items"), send(app, "DELETE", f"/v1/responses/{name}")):
        assert (response.status_code, response.json()["error"]["code"]) == (404, "response_not_found")
    error = respond(app, previous_response_id=name).json()["error"]
    assert (error["param"], error["code"]) == ("previous_response_id", "previous_response_not_found")


def test_nothing_is_stored_that_should_not_be() -> None:
    app = serving("hello")
    unstored = whole(app, store=False)
    assert (unstored["store"], get(app, unstored["id"]).status_code) == (False, 404)
    without = serving("hello", no_store=True)
    kept = whole(without, store=True)
    assert (kept["store"], get(without, kept["id"]).status_code) == (False, 404)
    error = respond(without, previous_response_id=kept["id"]).json()["error"]
    assert error["code"] == "previous_response_not_found"


def test_another_key_sees_nothing() -> None:
    app = serving("hello", api_keys=("key-one-of-sixteen", "key-two-of-sixteen"))
    mine, other = ({"authorization": f"Bearer key-{name}-of-sixteen"} for name in ("one", "two"))
    response = respond(app, headers=mine).json()
    name, item = response["id"], response["output"][0]["id"]
    assert (get(app, name, mine).status_code, get(app, name, other).status_code) == (200, 404)
    assert get(app, f"{name}/input_items", other).status_code == 404
    assert send(app, "DELETE", f"/v1/responses/{name}", headers=other).status_code == 404
    assert respond(app, headers=other, previous_response_id=name).status_code == 400
    assert respond(app, [{"type": "item_reference", "id": item}], headers=other).status_code == 400
    assert respond(app, headers=mine, previous_response_id=name).status_code == 200


def test_what_is_refused_by_name() -> None:
    app = serving("hello")
    name = whole(app)["id"]
    cancelled = send(app, "POST", f"/v1/responses/{name}/cancel")
    assert (cancelled.status_code, cancelled.json()["error"]["code"]) == (400, "response_not_cancellable")
    assert get(app, f"{name}?stream=true").status_code == 400


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def stored(name: str, previous: str | None = None, size: int = 100) -> StoredResponse:
    body = json.dumps({"id": name, "output": [{"id": f"msg_{name}", "text": "x" * size}]}).encode()
    return StoredResponse(name, previous, body, [{"id": f"in_{name}", "type": "message"}])


def test_the_least_recently_used_go_first() -> None:
    clock = Clock()
    store = ResponseStore(most_bytes=5000, most_age=100, clock=clock)
    for index in range(20):
        clock.now += 1
        store.save(b"", stored(f"r{index}", "r0" if index == 1 else None))
        if index > 1:
            assert store.chain(b"", "r1") is not None  # a use of both
    kept = [index for index in range(20) if store.get(b"", f"r{index}") is not None]
    assert kept[:2] == [0, 1] and kept[2:] == list(range(kept[2], 20)) and len(kept) < 20
    assert set(store.items(b"", ["msg_r0", "in_r0", "msg_r2"])) == {"msg_r0", "in_r0"}
    store.save(b"", stored("large", size=10_000))
    assert store.get(b"", "large") is None


def test_they_are_kept_for_an_age() -> None:
    clock = Clock()
    store = ResponseStore(most_bytes=10**6, most_age=100, clock=clock)
    store.save(b"", stored("a"))
    clock.now += 99
    assert store.get(b"", "a") is not None
    clock.now += 2
    assert store.get(b"", "a") is None and store.chain(b"", "a") is None and not store.items(b"", ["msg_a"])
    store.save(b"", stored("b"))
    assert [store.get(b"", name) is None for name in "ab"] == [True, False]


WRITES = """
import sys, time
from latticework.doors.responses.store import ResponseStore, StoredResponse
store = ResponseStore(sys.argv[1], most_bytes=10**6, most_age=1000)
store.save(b"", StoredResponse("a", None, b'{"output": []}', []))
print("saved", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_a_file_survives_a_kill_and_is_shared(tmp_path: Path) -> None:
    file = str(tmp_path / "responses.sqlite")
    here = ResponseStore(file, most_bytes=10**6, most_age=1000)
    with subprocess.Popen([sys.executable, "-c", WRITES, file], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "saved\n"
        assert here.get(b"", "a") is not None
        writer.send_signal(signal.SIGKILL)
    assert ResponseStore(file, most_bytes=10**6, most_age=1000).get(b"", "a") is not None


def test_an_app_with_a_file(tmp_path: Path) -> None:
    file = str(tmp_path / "responses.sqlite")
    name = whole(serving("hello", store=file))["id"]
    assert respond(serving("hello", store=file), previous_response_id=name).status_code == 200
    (tmp_path / "text").write_text("This is no database. " * 100)
    with pytest.raises(InvalidSetting, match="--store"):
        create_app(scripted(says("x")), settings=Settings(store=str(tmp_path / "text")))

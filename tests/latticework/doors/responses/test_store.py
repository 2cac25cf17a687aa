"""Stored responses: continued, read, listed, deleted, bounded, and each key's own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


def test_a_response_that_is_too_large_drops_no_other() -> None:
    store = ResponseStore(most_bytes=5000, most_age=100)
    store.save(b"", stored("small"))
    store.save(b"", stored("large", size=6000))
    assert [store.get(b"", name) is None for name in ("small", "large")] == [False, True]


@pytest.mark.parametrize(("items", "size"), [(1, 100), (200, 10), (200, 200), (1, 50_000)])
def test_the_limit_is_that_of_the_memory(items: int, size: int) -> None:
    """Many small items need no more than they count for."""
    store, most = ResponseStore(most_bytes=10**6, most_age=100), 10**6
    for index in range(max(20, 3 * most // (items * (size + 300)))):
        input = [{"id": f"msg_{index:016x}{item:016x}", "text": "x" * size} for item in range(items)]
        store.save(b"k" * 32, StoredResponse(f"resp_{index:032x}", None, b'{"output": []}', input))
    pages, each = (store._one(f"PRAGMA {name}")[0] for name in ("page_count", "page_size"))
    assert 0.3 * most < pages * each < 1.25 * most


def test_a_chain_of_many_responses() -> None:
    """It is read at once; one that never ends, which no request makes, is not followed."""
    store = ResponseStore(most_bytes=10**8, most_age=100)
    for index in range(2000):
        store.save(b"", stored(str(index), str(index - 1) if index else None, size=1))
    chain = store.chain(b"", "1999")
    assert chain is not None and [one.id for one in chain] == [str(index) for index in range(2000)]
    store.save(b"", stored("a", "b"))
    store.save(b"", stored("b", "a"))
    assert store.chain(b"", "a") is None


def test_many_threads() -> None:
    store = ResponseStore(most_bytes=40_000, most_age=100)

    def use(owner: int) -> list[str]:
        key, previous = str(owner).encode(), None
        for index in range(50):
            name = f"{owner}-{index}"
            store.save(key, stored(name, previous))
            chain = store.chain(key, name)
            assert chain is None or {one.id.split("-")[0] for one in chain} == {str(owner)}
            previous = name if index % 5 else None
            store.delete(key, f"{owner}-{index - 3}")
        return list(store.items(key, [f"msg_{other}-49" for other in range(8)]))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(8)))
    assert all(set(names) <= {f"msg_{owner}-49"} for owner, names in enumerate(found))
    assert store._one("SELECT bytes FROM total") == store._one("SELECT sum(bytes) FROM responses")


FILLS = """
import sys
from latticework.doors.responses.store import ResponseStore, StoredResponse
store = ResponseStore(sys.argv[1], most_bytes=10**6, most_age=1000)
for index in range(40):
    name = f"{sys.argv[2]}-{index}"
    store.save(b"", StoredResponse(name, None, b'{"output": []}', []))
    assert len(store.chain(b"", name)) == 1
"""


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    file = str(tmp_path / "responses.sqlite")
    writers = [subprocess.Popen([sys.executable, "-c", FILLS, file, name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    store = ResponseStore(file, most_bytes=10**6, most_age=1000)
    assert all(store.get(b"", f"{name}-{index}") is not None for name in "ab" for index in range(40))


def test_a_store_that_fails(tmp_path: Path) -> None:
    """The answer arrives all the same, and is counted; what needs the store is told so."""
    file = tmp_path / "responses.sqlite"
    app = serving("hello", store=str(file))
    name = whole(app)["id"]
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("DROP TABLE items")
        other.execute("DROP TABLE responses")
    assert whole(app)["output"]
    assert streamed(app)[-1]["type"] == "response.completed"
    metrics = send(app, "GET", "/metrics").text
    assert 'latticework_unstored_responses_total{model="scripted"} 2.0' in metrics
    for response in (get(app, name), respond(app, previous_response_id=name)):
        assert (response.status_code, response.json()["error"]["code"]) == (503, "store_unavailable")


@pytest.mark.parametrize("path", ["none/responses.sqlite", "."])
def test_a_file_that_can_not_be_made(path: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="--store") as raised:
        create_app(scripted(says("x")), settings=Settings(store=str(tmp_path / path)))
    assert "\n" not in str(raised.value)


def test_a_key_that_is_rotated(tmp_path: Path) -> None:
    """What belongs to a key is gone with it, and there again with it: a new key is another caller."""
    file = str(tmp_path / "responses.sqlite")
    old, new = "key-one-of-sixteen", "key-two-of-sixteen"
    keys = [{"authorization": f"Bearer {key}"} for key in (old, new)]
    name = respond(serving("hello", store=file, api_keys=(old,)), headers=keys[0]).json()["id"]
    rotated = serving("hello", store=file, api_keys=(new,))
    assert [get(rotated, name, key).status_code for key in keys] == [401, 404]
    assert get(serving("hello", store=file, api_keys=(old, new)), name, keys[0]).status_code == 200


ODD_PATHS = {
    "a%00b": 404,
    "%ED%A0%80": 404,
    "%27%20OR%201=1--": 404,
    "x" * 5000: 404,
    "%F0%9F%98%80": 404,
    "a/b/c": 404,
    "input_tokens": 404,
}


@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda path: path[:20])
def test_ids_of_any_form(path: str) -> None:
    for response in (get(serving("x"), path), send(serving("x"), "DELETE", f"/v1/responses/{path}")):
        assert response.status_code == ODD_PATHS[path]
        validate("ErrorResponse", response.json())


@pytest.mark.parametrize("query", ["order=foo", "order=", "limit=", "limit=-1", "limit=1e1", "after=", "after=%00"])
def test_queries_that_are_wrong(query: str) -> None:
    app = serving("x")
    response = get(app, f"{whole(app)['id']}/input_items?{query}")
    assert (response.status_code, response.json()["error"]["param"]) == (400, query.partition("=")[0])


def test_compaction_is_refused() -> None:
    response = send(serving("x"), "POST", "/v1/responses/compact", json={"model": "scripted", "input": "hi"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "compaction_not_supported")

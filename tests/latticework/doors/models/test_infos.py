"""Models in Anthropic's form: what `anthropic-version` selects, and the pages of the list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from jsonschema.validators import Draft202012Validator
from starlette.applications import Starlette

from latticework import Settings, create_app
from tests import shared
from tests.http import send
from tests.scripted import ScriptedEngine, says

HEADERS = {"anthropic-version": "2023-06-01"}


def app(*names: str, aliases: Sequence[str] = ()) -> Starlette:
    """One model, under each of these names."""
    engine = ScriptedEngine(says("hello"), names or ("scripted",), max_model_len=4096)
    return create_app(engine, settings=Settings(aliases=tuple(aliases)))


def get(served: Starlette, path: str = "/v1/models", **query: Any) -> httpx.Response:
    return send(served, "GET", path, headers=HEADERS, params=query)


def against_anthropics(kind: str, value: Any) -> list[str]:
    definitions = json.loads(shared.path("anthropic_messages.json").read_text())["$defs"]
    validator = Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": definitions})
    return [error.message for error in validator.iter_errors(value)]


def test_a_model_has_anthropics_fields() -> None:
    response = get(app("org/m"), "/v1/models/org/m")
    info = response.json()
    created = datetime.fromisoformat(info.pop("created_at"))
    assert timedelta(0) <= datetime.now(UTC) - created < timedelta(minutes=1)
    assert info == {
        "type": "model",
        "id": "org/m",
        "display_name": "org/m",
        "lifecycle": "active",
        "max_input_tokens": 4096,
        "max_tokens": 4096,
    }
    assert response.headers["request-id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21", "", "whatever"])
def test_any_version_selects_the_form(version: str) -> None:
    served = app()
    for path in ("/v1/models", "/v1/models/scripted"):
        plain = send(served, "GET", path)
        other = send(served, "GET", path, headers={"anthropic-version": version})
        assert "object" in plain.json()
        assert "object" not in other.json()
        assert plain.headers["vary"] == other.headers["vary"] == "anthropic-version"


def test_aliases_are_listed_and_those_of_many_names_are_found_by_name() -> None:
    served = app("org/m", "m", aliases=("claude-*=m", "claude-sonnet-4-5=m"))
    listed = get(served).json()
    assert [(info["id"], info["display_name"]) for info in listed["data"]] == [
        ("org/m", "org/m"),
        ("m", "m"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5 (org/m)"),
    ]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("org/m", "claude-sonnet-4-5", False)
    for info in listed["data"]:
        assert get(served, f"/v1/models/{info['id']}").json() == info
    assert get(served, "/v1/models/claude-opus").json()["display_name"] == "claude-opus (org/m)"
    cards = send(served, "GET", "/v1/models").json()["data"]
    assert [card["id"] for card in cards] == [info["id"] for info in listed["data"]]
    assert send(served, "GET", "/v1/models/claude-opus").json()["id"] == "claude-opus"


def test_the_forms_fit_anthropics_types() -> None:
    served = app("a", "b", aliases=("claude=a",))
    for query in ({}, {"limit": 1}, {"before_id": "a"}):
        assert against_anthropics("ModelList", get(served, **query).json()) == []
    for name in ("a", "claude"):
        assert against_anthropics("ModelInfo", get(served, f"/v1/models/{name}").json()) == []
    assert against_anthropics("ModelInfo", send(served, "GET", "/v1/models/a").json()) != []


PAGES: list[tuple[dict[str, Any], str, bool]] = [
    ({}, "abcde", False),
    ({"limit": 5}, "abcde", False),
    ({"limit": 1000}, "abcde", False),
    ({"limit": 4}, "abcd", True),
    ({"limit": 1}, "a", True),
    ({"after_id": "b"}, "cde", False),
    ({"after_id": "b", "limit": 3}, "cde", False),
    ({"after_id": "b", "limit": 2}, "cd", True),
    ({"after_id": "e"}, "", False),
    ({"before_id": "d"}, "abc", False),
    ({"before_id": "d", "limit": 3}, "abc", False),
    ({"before_id": "d", "limit": 2}, "bc", True),
    ({"before_id": "a"}, "", False),
    ({"beta": "true", "unknown": "1"}, "abcde", False),
]


@pytest.mark.parametrize(("query", "names", "has_more"), PAGES)
def test_pages(query: dict[str, Any], names: str, has_more: bool) -> None:
    page = get(app(*"abcde"), **query).json()
    assert ("".join(info["id"] for info in page["data"]), page["has_more"]) == (names, has_more)
    ends = (names[0], names[-1]) if names else (None, None)
    assert (page["first_id"], page["last_id"]) == ends


def test_by_default_a_page_has_twenty() -> None:
    page = get(app(*map(str, range(21)))).json()
    assert (len(page["data"]), page["has_more"]) == (20, True)


@pytest.mark.parametrize("direction", ["after_id", "before_id"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_the_pages_are_the_list(direction: str, limit: int) -> None:
    names = "abcdefg"
    served = app(*names)

    def pages() -> Iterator[str]:
        query: dict[str, Any] = {"limit": limit} if direction == "after_id" else {"limit": limit, "before_id": "g"}
        while True:
            page = get(served, **query).json()
            yield "".join(info["id"] for info in page["data"])
            if not page["has_more"]:
                return
            query = {"limit": limit, direction: page["last_id" if direction == "after_id" else "first_id"]}

    found = list(pages())
    assert "".join(found if direction == "after_id" else reversed(found)) == (
        names if direction == "after_id" else names[:-1]
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"limit": 0}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"limit": -1}, "limit"),
    ({"limit": "9" * 5000}, "limit"),
    ({"limit": "1.5"}, "limit"),
    ({"limit": "five"}, "limit"),
    ({"limit": "²"}, "limit"),
    ({"limit": ""}, "limit"),
    ({"after_id": "z"}, "after_id"),
    ({"after_id": ""}, "after_id"),
    ({"before_id": "claude-opus"}, "before_id"),  # it can be called, but is not listed
    ({"before_id": "a", "after_id": "a"}, "after_id"),
]


@pytest.mark.parametrize(("query", "parameter"), REFUSED)
def test_nonsense_is_refused(query: dict[str, Any], parameter: str) -> None:
    served = app("a", aliases=("claude-*=a",))
    response = get(served, **query)
    assert response.status_code == 400
    assert against_anthropics("ErrorResponse", response.json()) == []
    error = response.json()["error"]
    assert error["message"].startswith(f"{parameter}: ")
    assert (error["type"], error["details"]["param"]) == ("invalid_request_error", parameter)
    assert send(served, "GET", "/v1/models", params=query).status_code == 200  # OpenAI's form has no pages


def test_an_app_without_models_has_an_empty_page() -> None:
    page = get(create_app()).json()
    assert page == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_an_unknown_name_is_a_404() -> None:
    response = get(app(), "/v1/models/claude-opus")
    assert response.status_code == 404
    assert against_anthropics("ErrorResponse", response.json()) == []
    assert response.json()["error"]["type"] == "not_found_error"
    assert response.json()["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize("headers", [{}, HEADERS])
def test_a_probe_without_a_body_is_answered_as_the_request(headers: dict[str, str]) -> None:
    for path in ("/v1/models", "/v1/models/scripted"):
        probe = send(app(), "HEAD", path, headers=headers)
        assert (probe.status_code, probe.content) == (200, b"")


def test_keys_are_needed_in_either_form() -> None:
    engine = ScriptedEngine(says("hello"))
    served = create_app(engine, settings=Settings(api_keys=("sk",)))
    for headers in ({}, HEADERS):
        for path in ("/v1/models", "/v1/models/scripted"):
            assert send(served, "GET", path, headers=headers).status_code == 401
            for key in ({"authorization": "Bearer sk"}, {"x-api-key": "sk"}):
                assert send(served, "GET", path, headers={**headers, **key}).status_code == 200

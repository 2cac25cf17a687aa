"""`latticework models`: what a running server serves, and whether it is well."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from latticework.commands.command import DONE, FOUND, Command, Impossible, WrongUsage, columns, say, show, with_json

URL, KEY = "LATTICEWORK_URL", "LATTICEWORK_API_KEY"
DEFAULT_URL = "http://127.0.0.1:8000"
OK, UNAUTHORIZED = 200, 401

DESCRIPTION = f"""Ask a running server for its models and its health. Exit status 3 where it says that it is not well,
or that one of its models is not. Where it wants a key, put one into {KEY}."""


def add_model_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        default=os.environ.get(URL) or DEFAULT_URL,
        help=f"where the server is, without /v1 ({URL}; {DEFAULT_URL})",
    )
    parser.add_argument(
        "--timeout", type=float, default=10.0, metavar="SECONDS", help="how long it may take (%(default)s)"
    )
    with_json(parser)


def models(given: Namespace) -> int:
    url = given.url.rstrip("/").removesuffix("/v1")
    status, health = _get(f"{url}/health", "", given.timeout)
    models = _models(url, given.timeout) if status == OK else []
    healthy = status == OK and health.get("status") == "ok"
    states = health.get("models", {})
    told = (f"{card.get('max_model_len')} tokens of context{_state(states.get(card['id'], {}))}" for card in models)
    lines = columns(zip((card["id"] for card in models), told, strict=True))
    show({"url": url, "healthy": healthy, "health": health, "models": models}, lines, as_json=given.json)
    say(_told(url, healthy, health))
    return DONE if healthy else FOUND


def _models(url: str, timeout: float) -> list[dict[str, Any]]:
    """Raises Impossible."""
    status, found = _get(f"{url}/v1/models", os.environ.get(KEY, ""), timeout)
    if status != OK:
        hint = f" {KEY} is where the key goes." if status == UNAUTHORIZED else ""
        raise Impossible(f"{url}/v1/models: {_message(found)}{hint}")
    return list(found.get("data", ()))


def _get(url: str, key: str, timeout: float) -> tuple[int, dict[str, Any]]:
    """The status, and the JSON object that came. Raises Impossible where none did, WrongUsage for no URL."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    try:
        request = Request(url, headers={"Accept": "application/json"})
        if key:  # not sent on where the server answers with another address
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        with _opener(request.host).open(request, timeout=timeout) as response:
            return response.status, _object(url, response.read())
    except HTTPError as error:
        with error:
            return error.code, _object(url, error.read())
    except ValueError as error:
        raise WrongUsage(f"{url}: {error}") from None
    except (OSError, HTTPException) as error:
        raise Impossible(f"{url} does not answer: {getattr(error, 'reason', error)}") from None


def _opener(host: str) -> Any:
    """A proxy that the environment names is none for this machine's own addresses."""
    from urllib.request import ProxyHandler, build_opener

    name = host.rpartition(":")[0] or host
    own = name in ("localhost", "[::1]") or name.startswith("127.")
    return build_opener(*([ProxyHandler({})] if own else []))


def _object(url: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Impossible(f"{url} answers with something else than a JSON object: is it latticework's?")
    return found


def _message(error: Mapping[str, Any]) -> str:
    body = error.get("error")
    return str(body.get("message", body)) if isinstance(body, dict) else str(body or error)


def _state(state: Mapping[str, Any]) -> str:
    """Nothing of a model that is well, or that is here by a further name."""
    if state.get("status") == "down":
        return f", down: {state.get('reason')}"
    stands_in, format = state.get("chat_template"), state.get("format")
    template = f", without a chat template: {stands_in}" if stands_in else ""
    return template + (f", format {format} (self-test: {_found(state.get('self_test'))})" if format else "")


def _found(self_test: Any) -> str:
    return "; ".join(self_test) if isinstance(self_test, list) else str(self_test)


def _told(url: str, healthy: bool, health: Mapping[str, Any]) -> str:
    if health.get("status") == "degraded":
        down = [name for name, state in health["models"].items() if state["status"] == "down"]
        return f"{url} is well but for {', '.join(down)}"
    if not healthy:
        return f"{url} is not well: {_message(health)}"
    running = sum(health.get("running", {}).values())
    return f"{url} is well (latticework {health.get('version', 'of old')}); answers in the making: {running}"


LIST_MODELS = Command("list the models of a running server and their health", DESCRIPTION, add_model_options, models)

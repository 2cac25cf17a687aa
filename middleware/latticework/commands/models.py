"""`latticework models`: the models of a running server, and its health."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from latticework.commands import (
    DONE,
    NEGATIVE,
    Command,
    CommandFailed,
    WrongUsage,
    columns,
    say,
    show,
    with_json,
)

URL, KEY = "LATTICEWORK_URL", "LATTICEWORK_API_KEY"
DEFAULT_URL = "http://127.0.0.1:8000"
OK, UNAUTHORIZED = 200, 401

DESCRIPTION = f"""List the models of a running server and their health. The exit status is 3 if the server or one of its
models is unhealthy. If the server requires an API key, set {KEY}."""


def add_server_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        default=os.environ.get(URL) or DEFAULT_URL,
        help=f"address of the server, without /v1 ({URL}; {DEFAULT_URL})",
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="request timeout (%(default)s)")
    with_json(parser)


def show_server(given: Namespace) -> int:
    url = given.url.rstrip("/").removesuffix("/v1")
    status, health = _get_json(f"{url}/health", "", given.timeout)
    cards = _model_cards(url, given.timeout) if status == OK else []
    healthy = status == OK and health.get("status") == "ok"
    states = health.get("models", {})
    rows = ((card["id"], _card_line(card, states.get(card["id"], {}))) for card in cards)
    show({"url": url, "healthy": healthy, "health": health, "models": cards}, columns(rows), as_json=given.json)
    say(_health_line(url, healthy, health))
    return DONE if healthy else NEGATIVE


def _model_cards(url: str, timeout: float) -> list[dict[str, Any]]:
    """Raises CommandFailed."""
    status, body = _get_json(f"{url}/v1/models", os.environ.get(KEY, ""), timeout)
    if status != OK:
        hint = f" Set {KEY}." if status == UNAUTHORIZED else ""
        raise CommandFailed(f"{url}/v1/models: {_error_message(body)}{hint}")
    return list(body.get("data", ()))


def _get_json(url: str, key: str, timeout: float) -> tuple[int, dict[str, Any]]:
    """The status and the JSON object of a response. Raises CommandFailed without one, WrongUsage for an invalid URL."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    try:
        request = Request(url, headers={"Accept": "application/json"})
        if key:  # not sent to where the server redirects
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        with _opener(request.host).open(request, timeout=timeout) as response:
            return response.status, _json_object(url, response.read())
    except HTTPError as error:
        with error:
            return error.code, _json_object(url, error.read())
    except ValueError as error:
        raise WrongUsage(f"{url}: {error}") from None
    except (OSError, HTTPException) as error:
        raise CommandFailed(f"no HTTP response from {url}: {getattr(error, 'reason', error)}") from None


def _opener(host: str) -> Any:
    """Bypasses the environment's proxy for addresses of this machine."""
    from urllib.request import ProxyHandler, build_opener

    name = host.rpartition(":")[0] or host
    local = name in ("localhost", "[::1]") or name.startswith("127.")
    return build_opener(*([ProxyHandler({})] if local else []))


def _json_object(url: str, body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CommandFailed(f"{url} did not return a JSON object: is it a latticework server?")
    return value


def _error_message(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    return str(error.get("message", error)) if isinstance(error, dict) else str(error or body)


def _card_line(card: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """`state` is empty for a further name of a model."""
    context = f"{card.get('max_model_len')} tokens of context"
    if state.get("status") == "down":
        return f"{context}, down: {state.get('reason')}"
    fallback, format = state.get("chat_template"), state.get("format")
    template = f", no chat template: {fallback}" if fallback else ""
    return context + template + (f", format {format} (self-test: {_test_results(state)})" if format else "")


def _test_results(state: Mapping[str, Any]) -> str:
    results = state.get("self_test")
    return "; ".join(results) if isinstance(results, list) else str(results)


def _health_line(url: str, healthy: bool, health: Mapping[str, Any]) -> str:
    if health.get("status") == "degraded":
        down = [name for name, state in health["models"].items() if state["status"] == "down"]
        return f"{url} is healthy except for {', '.join(down)}"
    if not healthy:
        return f"{url} is unhealthy: {_error_message(health)}"
    running = sum(health.get("running", {}).values())
    version = health.get("version", "of an unknown version")
    return f"{url} is healthy (latticework {version}); running requests: {running}"


LIST_MODELS = Command("list the models of a running server", DESCRIPTION, add_server_options, show_server)

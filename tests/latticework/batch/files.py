"""Files of batches, as tests make and read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CHAT, RESPONSES, COMPLETIONS, MESSAGES = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/completions",
    "/v1/messages",
)


def request(custom_id: str, url: str = CHAT, **fields: Any) -> dict[str, Any]:
    """A request that asks its own id."""
    asked: dict[str, dict[str, Any]] = {
        CHAT: {"messages": [{"role": "user", "content": custom_id}]},
        RESPONSES: {"input": custom_id},
        COMPLETIONS: {"prompt": custom_id, "max_tokens": 50},
        MESSAGES: {"messages": [{"role": "user", "content": custom_id}], "max_tokens": 50},
    }
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": {"model": "scripted", **asked[url], **fields}}


def write_lines(file: Path, values: Iterable[Any]) -> Path:
    file.write_bytes(b"".join(json.dumps(value).encode() + b"\n" for value in values))
    return file


def whole_lines(file: Path) -> list[dict[str, Any]]:
    """Those that end; a half one at the end is none."""
    *lines, _ = file.read_bytes().split(b"\n") if file.exists() else [b""]
    return [json.loads(line) for line in lines]


def ids(file: Path) -> list[str]:
    return [line["custom_id"] for line in whole_lines(file)]

"""What is counted is what the message uses, for every request that is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from latticework import create_app
from tests.free import free_engine
from tests.hostile.anthropic import rows
from tests.hostile.row import MESSAGES, Row
from tests.hostile.sending import Target, target
from tests.latticework.doors.messages.messaging import validate

TAKEN = [row for row in rows() if row.status == 200 and "stream" not in row.fields]
# Of a message's request, what `count_tokens` takes.
COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config")


@pytest.fixture(scope="module")
def app() -> Iterator[Target]:
    with target(create_app(free_engine(most=100)), "scripted") as found:
        yield found


@pytest.mark.parametrize("row", TAKEN, ids=[row.label for row in TAKEN])
def test_a_message_uses_what_was_counted(app: Target, row: Row) -> None:
    """The three of the input add up to it."""
    message = app.send(row).json()
    validate("Message", message)
    body = {name: value for name, value in json.loads(row.body(app.model)).items() if name in COUNTED}
    counted = app.runner.run(app.client.post(f"{MESSAGES}/count_tokens", content=json.dumps(body)))
    assert counted.status_code == 200, counted.text
    usage = message["usage"]
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    assert counted.json() == {"input_tokens": sum(usage[part] for part in parts)}

"""Tools as clients send them are taken by `/v1/messages`, and what a model calls them with reaches the client."""

from __future__ import annotations

import json

import pytest

from tests.latticework.doors.messages.messaging import serving, whole
from tests.latticework.tools_as_sent import SENT_TOOLS, SentTool
from turngrammar.formats import HERMES
from turngrammar.render import Call, render


@pytest.mark.parametrize("sent", SENT_TOOLS, ids=lambda sent: sent.name)
def test_a_call(sent: SentTool) -> None:
    arguments = dict(sent.valid[0])
    app = serving(render(HERMES, [Call(sent.name, json.dumps(arguments))]))
    tool = {"name": sent.name, "description": "", "input_schema": sent.input_schema}
    message = whole(app, tools=[tool], tool_choice={"type": "tool", "name": sent.name}, open_objects=True)
    assert [(block["type"], block["input"]) for block in message["content"]] == [("tool_use", arguments)]

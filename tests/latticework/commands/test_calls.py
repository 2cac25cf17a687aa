"""`latticework parse` and `latticework render`: they undo each other, and wrong input is named."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main

CALLS = '{"name": "f", "arguments": {"a": "x\\ny"}}\n{"name": "g", "arguments": "{}"}\n'


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The standard output of a command that is given a text on standard input."""

    def output(*arguments: str, text: str = "", status: int = 0) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert main(arguments) == status
        return capsys.readouterr().out

    return output


def test_parse_undoes_render(run: Any) -> None:
    text = run("render", "--format", "kimi_k2", text=CALLS)
    events = [json.loads(line) for line in run("parse", "--format", "kimi_k2", text=text).splitlines()]
    assert [event["event"] for event in events] == ["ToolCallStart", "ArgumentsDelta", "ToolCallEnd"] * 2
    assert events[0] == {"event": "ToolCallStart", "index": 0, "name": "f", "id": "functions.f:0"}
    assert json.loads(events[1]["text"]) == {"a": "x\ny"}


def test_parse_takes_tools_and_reasoning(run: Any, tmp_path: Path) -> None:
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "f", "parameters": parameters}}]))
    arguments = "<arg_key>n</arg_key><arg_value>1</arg_value><arg_key>s</arg_key><arg_value>1</arg_value>"
    text = f"Hm.</think><tool_call>f{arguments}</tool_call>"
    lines = run("parse", "--format", "glm47", "--tools", str(tools), "--reasoning", "open", text=text).splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0] == {"event": "ReasoningDelta", "text": "Hm."}
    assert "".join(event["text"] for event in events if event["event"] == "ArgumentsDelta") == '{"n": 1, "s": "1"}'


def test_tools_that_do_not_compile_are_status_3(run: Any, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"name": "f", "parameters": {"type": "strnig"}}]))
    assert run("parse", "--format", "hermes", "--tools", str(tools), status=3) == ""


WRONG: list[tuple[list[str], str]] = [
    (["parse", "--format", "morse"], "--format: unknown format 'morse'; the formats are .*hermes"),
    (["render", "--format", "morse"], "--format: unknown format 'morse'"),
    (["render", "--format", "hermes"], "line 2 must be a JSON object with name and arguments"),
    (["parse", "--format", "hermes", "--tools", __file__], "must be a JSON array of tools"),
    (["parse", "--format", "hermes", "--tools", "/nowhere"], "/nowhere: No such file"),
    (["parse", "--format", "hermes", "--reasoning", "answer"], "hermes has no frame around its answers"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_exits_with_2(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"name": "f"}\n["f"]\n'))
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert re.search(message, capsys.readouterr().err)

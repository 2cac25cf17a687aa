"""`python -m turngrammar parse | render | formats`, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CALLS = '{"name": "f", "arguments": {"a": "x\\ny"}}\n{"name": "g", "arguments": "{}"}\n'


def run(*arguments: str, text: str = "") -> str:
    command = [sys.executable, "-m", "grammars", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, encoding="utf-8").stdout


def test_what_render_writes_parse_reads() -> None:
    events = [
        json.loads(line)
        for line in run(
            "parse", "--format", "kimi_k2", text=run("render", "--format", "kimi_k2", text=CALLS)
        ).splitlines()
    ]
    assert [event["event"] for event in events] == ["ToolCallStart", "ArgumentsDelta", "ToolCallEnd"] * 2
    assert events[0] == {"event": "ToolCallStart", "index": 0, "name": "f", "id": "functions.f:0"}
    assert json.loads(events[1]["text"]) == {"a": "x\ny"}


def test_parse_takes_tools_and_reasoning(tmp_path: Path) -> None:
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"type": "function", "function": {"name": "f", "parameters": parameters}}]))
    arguments = "<arg_key>n</arg_key><arg_value>1</arg_value><arg_key>s</arg_key><arg_value>1</arg_value>"
    text = f"Hm.</think><tool_call>f{arguments}</tool_call>"
    lines = run("parse", "--format", "glm47", "--tools", str(tools), "--reasoning", "open", text=text).splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0] == {"event": "ReasoningDelta", "text": "Hm."}
    assert "".join(event["text"] for event in events if event["event"] == "ArgumentsDelta") == '{"n": 1, "s": "1"}'


def test_formats_lists_every_format_with_a_call() -> None:
    listed = run("formats")
    assert "hermes\n    <tool_call>\n" in listed
    assert 'pythonic\n    [get_weather(city="Oslo", days=3)]\n' in listed

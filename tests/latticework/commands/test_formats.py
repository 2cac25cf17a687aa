"""`latticework formats`: all of them with samples that they really read, and the choice for a template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main
from turngrammar.events import ToolCallStart
from turngrammar.formats import FORMATS
from turngrammar.parser import Parser
from turngrammar.turn_tree import recovery_tree, turn_tree


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["formats", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_format_is_listed_with_a_sample_that_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    formats = listed(capsys)
    assert [row["name"] for row in formats] == list(FORMATS)
    for row in formats:
        format = FORMATS[row["name"]]
        parser = Parser(turn_tree(format, format.calls, "auto", None, "off"), recovery_tree(format, format.calls), {})
        events = parser.feed(row["sample"]) + parser.close()
        assert [event.name for event in events if isinstance(event, ToolCallStart)] == ["get_weather"], row["name"]
        assert row["about"]
        assert row["notes"].startswith("Source: "), row["name"]


def test_the_text_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    formats = listed(capsys)
    assert main(["formats"]) == 0
    text = capsys.readouterr().out
    assert all(f"{row['name']}: {row['about']}" in text and row["notes"] in text for row in formats)
    assert '        [TOOL_CALLS]get_weather[ARGS]{"city": "Oslo", "days": 3}\n' in text


QWEN = "{{ '<think>\\n</think>\\n\\n' }}<tool_call>"
TEMPLATES: list[tuple[str, str, str]] = [
    (QWEN, "hermes", "'<tool_call>'"),
    (json.dumps({"chat_template": QWEN}), "hermes", "chat template"),
    (
        json.dumps({"chat_template": [{"name": "default", "template": ""}, {"name": "tool_use", "template": QWEN}]}),
        "hermes",
        "chat template",
    ),
    (
        json.dumps({"chat_template": "", "added_tokens_decoder": {"5": {"content": "[TOOL_CALLS]", "special": True}}}),
        "mistral_v3",
        "vocabulary",
    ),
    ("{{ messages }}", "fenced", "neither"),
]


@pytest.mark.parametrize(("text", "name", "why"), TEMPLATES)
def test_a_template_chooses(text: str, name: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "template"
    file.write_text(text)
    choice = listed(capsys, "--template", str(file))
    assert choice["format"] == name
    assert why in choice["why"]
    assert main(["formats", "--template", str(file)]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: {choice['why']}")


def test_thoughts_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "template"
    file.write_text(QWEN)
    assert listed(capsys, "--template", str(file))["reasoning"] == {"open": "<think>", "close": "</think>"}


@pytest.mark.parametrize("text", ["{}", '{"chat_template": [{}]}', '{"chat_template": null}', b"\xff"])
def test_a_file_without_a_template_is_wrong(
    text: str | bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tokenizer_config.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SystemExit) as exit_:
        main(["formats", "--template", str(file)])
    assert exit_.value.code == 2
    assert str(file) in capsys.readouterr().err

"""`latticework check-model` on folders as checkpoints have them, and on others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main
from latticework.commands import check_model
from tests.latticework.conformance.made import HERMES, ID_FIRST, template, tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer()._tokenizer.save_pretrained(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(template(HERMES).source)
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> tuple[str, str]:
    assert main(["check-model", *map(str, arguments)]) == status
    out, err = capsys.readouterr()
    return out, err


def report_of(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> dict[str, Any]:
    return dict(json.loads(checked(capsys, status, "--json", *arguments)[0]))


def test_a_model_that_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = checked(capsys, 0, folder)
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert f"model {folder}" in lines
    assert "chat template the model's own" in lines
    assert "format hermes: its chat template has '<tool_call>'" in lines
    assert "'<|im_end|>' 256 end of turn special" in lines
    assert "arguments JSON with ', ' and ': ', keys in schema order" in lines
    assert "reasoning between '<think>' and '</think>'; then '\\n\\n' before text and '\\n\\n' before calls" in lines
    assert "calls several per message, arguments as objects" in lines
    assert "passed one call auto, required" in lines
    assert "20 of 20 turns passed." in err


def test_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(capsys, 0, folder)
    assert (report["format"], report["passed"], report["tested"], report["rejected"]) == ("hermes", 20, 20, [])
    assert report["reasoning"]["open"] == "<think>"
    assert (
        report["call"] == '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}\n</tool_call>'
    )
    assert report["marks"] == [{"text": "<|im_end|>", "use": "end of turn", "id": 256, "special": True}]
    assert report["results"][0] == {"case": "one call", "mode": "auto", "failures": [], "skipped": ""}


def test_what_falls_short_is_status_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = checked(capsys, 3, folder, "--tool-format", "llama3")
    assert "llama3: the settings name it, though its chat template writes another" in out
    assert "auto: parsed back unchanged: " in out
    assert "2 of 19 turns passed; 1 skipped" in err
    report = report_of(capsys, 3, folder, "--tool-format", "llama3")
    failed = [result for result in report["results"] if result["failures"]]
    assert {"check", "detail"} == set(failed[0]["failures"][0])
    assert len(failed) == report["tested"] - report["passed"]


def test_a_format_that_nobody_knows_is_said_and_turns_are_skipped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "other.jinja").write_text(template(ID_FIRST, marks="<tool_call>").source)
    report = report_of(capsys, 0, folder, "--chat-template", folder / "other.jinja")
    assert report["format"] == "fenced"
    assert report["chat_template"] == str(folder / "other.jinja")
    assert report["rejected"] == ["'hermes' does not match its chat template"]


def test_a_model_without_a_template_has_one_of_ours(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "chat_template.jinja").unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    report = report_of(capsys, 0, folder)
    assert (report["chat_template"], report["format"]) == ("none: ChatML is used instead", "fenced")


def test_ends_are_those_of_the_generation_config_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "generation_config.json").write_text('{"eos_token_id": [256, 257]}')
    assert [mark["id"] for mark in report_of(capsys, 0, folder)["marks"]] == [256, 257]


def test_a_folder_without_a_tokenizer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = checked(capsys, 1, tmp_path)
    assert err == f"latticework check-model: {check_model.NO_TOKENIZER.format(tmp_path)}\n"
    (tmp_path / "tokenizer.json").write_text("{}")
    _, err = checked(capsys, 1, tmp_path)
    assert f"the tokenizer of {tmp_path} can't be read: " in err


def test_a_name_of_nothing_here(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = checked(capsys, 1, "nobody/nothing")
    assert "nobody/nothing is neither a directory nor a downloaded model" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "MODEL"),
        (("--tool-format", "nothing", "x"), "unknown format 'nothing'; the formats are"),
        (("--chat-template", "/no/file", "x"), "can't be read"),
        (("--chat-template", "{% if", "x"), "chat_template"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["check-model", *arguments])
    assert exit_.value.code == 2
    assert why in capsys.readouterr().err

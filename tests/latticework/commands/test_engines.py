"""What `latticework serve` makes of its arguments, its variables and its file: models, each with its engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from latticework import Settings, config
from latticework.cli import main
from latticework.commands import engines
from latticework.config import CONFIG, ENGINE_TABLES, Config
from latticework.serving import server
from latticework.settings import OPTIONS
from tests.http import send
from tests.scripted import ScriptedEngine, says

SEVERAL = """
attempts = 2
max_queue = 9
drafts = "forced"

[[models]]
tool_format = "hermes"
attempts = 5
[models.vllm]
name = "one"

[[models]]
engine = "other"
drafts = "off"
[models.other]
name = "two"
"""


@dataclass
class Outcome:
    """What was made by whom, of what, and the app that would be served."""

    made: list[tuple[str, list[str], Settings, Config]] = field(default_factory=list)
    apps: list[ASGIApp] = field(default_factory=list)


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Outcome:
    for variable in [CONFIG, *(option.variable for option in OPTIONS)]:
        monkeypatch.delenv(variable, raising=False)
    outcome = Outcome()

    def maker(engine: str) -> Callable[[Sequence[str], Settings, Config], ScriptedEngine]:
        def make(arguments: Sequence[str], settings: Settings, file: Config) -> ScriptedEngine:
            outcome.made.append((engine, list(arguments), settings, file))
            return ScriptedEngine(says(), (file.engines.get(engine, {}).get("name", "unnamed"),))

        return make

    def run(app: ASGIApp, listener: object, settings: Settings, ready: Callable[[], None]) -> None:
        outcome.apps.append(app)
        ready()

    monkeypatch.setattr(engines, "ENGINES", {name: maker(name) for name in ("vllm", "other")})
    monkeypatch.setattr(config, "ENGINE_TABLES", ("vllm", "other"))
    monkeypatch.setattr(server, "run", run)
    return outcome


def serve(folder: Path, text: str, *arguments: str) -> int:
    file = folder / "settings.toml"
    file.write_text(text)
    return main(["serve", "--port", "0", "--config", str(file), *arguments])


def answer(outcome: Outcome, path: str) -> dict[str, Any]:
    response: httpx.Response = send(outcome.apps[-1], "GET", path)
    return dict(response.json())


def test_every_table_is_an_engines() -> None:
    assert set(ENGINE_TABLES) <= set(engines.ENGINES)


def test_each_of_the_models_has_its_engine_and_its_settings(
    outcome: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(tmp_path, SEVERAL) == 0
    (_, _, first, _), (_, _, second, _) = outcome.made
    assert [(engine, arguments, file.engines) for engine, arguments, _, file in outcome.made] == [
        ("vllm", [], {"vllm": {"name": "one"}}),
        ("other", [], {"other": {"name": "two"}}),
    ]
    shared = Settings(port=0, attempts=2, max_queue=9, drafts="forced")
    assert first == Settings(**{**vars(shared), "tool_format": "hermes", "attempts": 5})
    assert second == Settings(**{**vars(shared), "engine": ("other",), "drafts": "off"})
    health = answer(outcome, "/health")
    assert (health["settings"]["attempts"], health["settings"]["drafts"]) == (2, "forced")
    assert health["models"]["one"]["settings"] == {"tool_format": "hermes", "attempts": 5}
    assert health["models"]["two"]["settings"] == {"drafts": "off"}
    assert [card["id"] for card in answer(outcome, "/v1/models")["data"]] == ["one", "two"]
    err = capsys.readouterr().err
    assert "Loading one and two ..." in err
    assert "one and two are served at" in err


def test_what_is_said_of_one_model_goes_before_what_is_said_of_all(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTICEWORK_ATTEMPTS", "7")
    monkeypatch.setenv("LATTICEWORK_MAX_QUEUE", "8")
    assert serve(tmp_path, SEVERAL, "--max-queue", "6", "--drafts", "auto", "--tool-format", "pythonic") == 0
    settings = [(made.attempts, made.max_queue, made.drafts, made.tool_format) for _, _, made, _ in outcome.made]
    assert settings == [(5, 6, "auto", "hermes"), (7, 6, "off", "pythonic")]


def test_one_model_takes_its_arguments_from_the_line(outcome: Outcome, tmp_path: Path) -> None:
    assert serve(tmp_path, "attempts = 2", "--model", "org/model", "--engine", "other") == 0
    assert [(engine, arguments) for engine, arguments, _, _ in outcome.made] == [("other", ["--model", "org/model"])]


WRONG = [
    (SEVERAL, ["--model", "x"], r"--model x: can.t be combined with \[\[models\]\] in .*settings.toml: put"),
    (SEVERAL.replace("two", "one"), [], "2 models have the name 'one'"),
    (SEVERAL.replace('"hermes"', '"morse"'), [], r"\[models\]\] 1: tool_format: unknown format 'morse'; .*hermes"),
    (SEVERAL.replace('"other"', '"third"'), [], "--engine third: must be one of vllm, other, or addresses"),
    (SEVERAL.replace("models.other", "models.vllm"), [], r"2: \[vllm\] can't be set with engine 'other'"),
    ("[other]\nname = 'one'", [], r"settings.toml: \[other\] can't be set with engine 'vllm'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments", "message"), WRONG)
def test_wrong_usage_serves_nothing(
    text: str, arguments: list[str], message: str, outcome: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        serve(tmp_path, text, *arguments)
    assert exit_.value.code == 2
    assert re.search(message, capsys.readouterr().err)
    assert outcome.apps == []

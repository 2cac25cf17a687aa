"""The TOML file: every setting by its name, and the engine's arguments by theirs."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from latticework import config, settings
from latticework.cli import main
from latticework.commands import serve
from latticework.config import CONFIG, Config
from latticework.settings import OPTIONS, InvalidSetting, Option, Settings

# By the reader of a setting: a text for the command line and the environment, and the same in TOML.
SAMPLES: Mapping[Callable[[str], Any], tuple[str, str]] = {
    str: ("a text", '"a text"'),
    settings.keys: ("sk-a,sk-b", '["sk-a", "sk-b"]'),
    settings.names: ("portable", '["portable"]'),
    settings.switch: ("true", "true"),
    settings.port: ("81", "81"),
    settings.prefix: ("/ai", '"/ai"'),
    settings.size: ("77", "77"),
    settings.count: ("7", "7"),
    settings.number: ("9", "9"),
    settings.seconds: ("2.5", "2.5"),
    settings.whole_seconds: ("4", "4"),
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [CONFIG, *(option.variable for option in OPTIONS)]:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, Config]]:
    """What would be served, instead of serving it."""
    calls: list[tuple[Settings, Config]] = []

    def note(settings: Settings, engine_arguments: list[str], file: Config) -> int:
        calls.append((settings, file))
        return 0

    monkeypatch.setattr(serve, "_serve", note)
    return calls


def sample(option: Option, folder: Path) -> tuple[str, str]:
    """A value that is not the default, as text and in TOML."""
    if option.field == "tool_format":
        return "hermes", '"hermes"'
    if option.field == "api_key_file":
        file = folder / "keys"
        file.write_text("sk-c")
        return str(file), f"'{file}'"
    return (option.choices[-1], f'"{option.choices[-1]}"') if option.choices else SAMPLES[option.read]


def written(folder: Path, text: str) -> str:
    file = folder / "settings.toml"
    file.write_text(text)
    return str(file)


def on_line(option: Option, text: str) -> list[str]:
    return [option.flag] if isinstance(getattr(Settings, option.field), bool) else [option.flag, text]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.field)
def test_every_setting_can_be_said_in_each_way(
    option: Option, served: list[tuple[Settings, Config]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, toml = sample(option, tmp_path)
    main(["serve", "--config", written(tmp_path, f"{option.field} = {toml}")])
    if not option.secret:
        main(["serve", *on_line(option, text)])
    monkeypatch.setenv(option.variable, text)
    main(["serve"])
    said = [found for found, _ in served]
    assert len(said) == 2 + (not option.secret)
    assert said == [Settings(**{option.field: option.value(text)})] * len(said)
    assert said[0] != Settings()


def test_line_goes_before_environment_before_file(
    served: list[tuple[Settings, Config]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG, written(tmp_path, "port = 81\nattempts = 5\nmax_tools = 6\n[vllm]\nseed = 1"))
    monkeypatch.setenv("LATTICEWORK_PORT", "82")
    monkeypatch.setenv("LATTICEWORK_ATTEMPTS", "8")
    main(["serve", "--port", "83"])
    other = tmp_path / "other.toml"
    other.write_text("max_tools = 7")
    main(["serve", "--config", str(other)])
    assert [found for found, _ in served] == [
        Settings(port=83, attempts=8, max_tools=6),
        Settings(port=82, attempts=8, max_tools=7),
    ]
    assert [file.engines for _, file in served] == [{"vllm": {"seed": 1}}, {}]


WRONG = [
    ("prot = 81", "'prot' is not a setting.* Did you mean 'port'"),
    ("max-tools = 3", "Did you mean 'max_tools'"),
    (
        "colour = 1",
        r"'colour' is not a setting; an engine's arguments go into its table, \[vllm\] or \[portable\] or \[remote\]$",
    ),
    ("port = true", "port: True is not valid"),
    ("port = 1.5", "port: 1.5 is not valid"),
    ("port = 65536", "port: 65536 is not valid"),
    ('port = "high"', "port: 'high' is not valid"),
    ("host = 5", "host: 5 is not valid"),
    ("no_auth = 1", "no_auth: 1 is not valid"),
    ("read_timeout = nan", "read_timeout: nan is not valid"),
    ("tool_format = {}", "tool_format: {} is not valid"),
    ('drafts = "some"', "drafts: 'some' is not valid, one of auto, forced, off is"),
    ("api_keys = [12345]", "api_keys: what it holds is not valid"),
    ("vllm = 1", "'vllm' must be a table"),
    ("models = 1", r"'models' must be tables, each of which begins with \[\[models\]\]$"),
    ("models = []", "'models' must be tables"),
    ("[models]", "'models' must be tables"),
    ("models = [{}, 1]", "'models' must be tables"),
    ("[vllm]\n[[models]]", r"\[vllm\] says what \[\[models\]\] says: give each model its \[models.vllm\]$"),
    ("[[models]]\n[[models]]\nport = 81", r"\[\[models\]\] 2: 'port' is not a model's own setting; .* goes above"),
    ("[[models]]\ntool_fromat = 1", r"\[\[models\]\] 1: 'tool_fromat' is not .* Did you mean 'tool_format'\?$"),
    ("[[models]]\nattempts = 0", r"\[\[models\]\] 1: attempts: 0 is not valid"),
    ("[[models]]\nvllm = 1", r"\[\[models\]\] 1: 'vllm' must be a table"),
    ("port = ", "it is not TOML"),
    ("port = 1\nport = 2", "it is not TOML"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_named_with_its_file(text: str, message: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(InvalidSetting, match=message) as refused:
        config.read(file)
    assert file in str(refused.value)
    assert "12345" not in str(refused.value)


def test_wrong_files_exit_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["serve", "--config", written(tmp_path, "prot = 81")])
    assert exit_.value.code == 2
    assert "settings.toml: 'prot' is not a setting" in capsys.readouterr().err


def test_bytes_that_are_no_text_are_not_told(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b'api_keys = "\xff"')
    with pytest.raises(InvalidSetting, match=r"it is not UTF-8$"):
        config.read(str(file))


def engine_parser() -> ArgumentParser:
    parser = ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--tensor-parallel-size", "-tp", type=int)
    parser.add_argument("--enforce-eager", action=BooleanOptionalAction)
    parser.add_argument("--disable-log-stats", action="store_true")
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--hf-overrides")
    return parser


SPELLED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"model": "-odd", "tensor_parallel_size": 2}, ["--model=-odd", "--tensor-parallel-size=2"]),
    ({"enforce_eager": True, "disable_log_stats": True}, ["--enforce-eager", "--disable-log-stats"]),
    ({"enforce_eager": False, "disable_log_stats": False}, ["--no-enforce-eager"]),
    ({"served_model_name": ["a", "b"]}, ["--served-model-name", "a", "b"]),
    ({"hf_overrides": {"a": [1]}}, ['--hf-overrides={"a": [1]}']),
]


@pytest.mark.parametrize(("engine", "arguments"), SPELLED)
def test_engine_arguments_become_a_command_line(engine: dict[str, Any], arguments: list[str]) -> None:
    assert Config("f.toml", {}, {"vllm": engine}).engine_arguments("vllm", engine_parser()) == arguments


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (
            {"tensor_paralel_size": 2},
            r"f.toml: \[vllm\]: 'tensor_paralel_size' .* Did you mean 'tensor_parallel_size'",
        ),
        ({"model": False}, r"f.toml: \[vllm\] model: false is not valid"),
    ],
)
def test_unknown_engine_arguments_are_named(engine: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        Config("f.toml", {}, {"vllm": engine}).engine_arguments("vllm", engine_parser())

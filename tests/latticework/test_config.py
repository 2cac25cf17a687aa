"""The TOML file: every setting by its name, and the engine's arguments by theirs."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main
from latticework.commands import serve
from latticework.commands.launch import Launch
from latticework.config import CONFIG, Config, load_config
from latticework.options import InvalidSetting, Option
from latticework.settings import OPTIONS, Settings

# By the metavar of a setting: a text for the command line and the environment, and the same in TOML.
SAMPLES: Mapping[str, tuple[str, str]] = {
    "": ("true", "true"),
    "KEYS": ("sk-a,sk-b", '["sk-a", "sk-b"]'),
    "ENGINE": ("portable", '["portable"]'),
    "ORIGINS": ("https://a.example,http://localhost:5173", '["https://a.example", "http://localhost:5173"]'),
    "NAME=MODEL": ("claude-*=m,b=m", '{"claude-*" = "m", b = "m"}'),
    "NAMES": ("GET,POST", '["GET", "POST"]'),
    "PATH": ("/ai", '"/ai"'),
    "PORT": ("81", "81"),
    "BYTES": ("77", "77"),
    "N": ("7", "7"),
    "SECONDS": ("4", "4"),
    **dict.fromkeys(("ADDRESS", "FILE", "FORMAT", "KEY"), ("a text", '"a text"')),
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [CONFIG, *(option.variable for option in OPTIONS)]:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, Config]]:
    """What would be served, instead of serving it."""
    calls: list[tuple[Settings, Config]] = []

    def note(launch: Launch) -> int:
        calls.append((launch.settings, launch.config))
        return 0

    monkeypatch.setattr(serve, "run_server", note)
    return calls


def sample(option: Option, folder: Path) -> tuple[str, str]:
    """A value that is not the default, as text and in TOML."""
    if option.name == "tool_format":
        return "hermes", '"hermes"'
    if option.name == "api_key_file":
        file = folder / "keys"
        file.write_text("sk-c")
        return str(file), f"'{file}'"
    return (choices[-1], f'"{choices[-1]}"') if (choices := option.kind.choices) else SAMPLES[option.kind.metavar]


def written(folder: Path, text: str) -> str:
    file = folder / "settings.toml"
    file.write_text(text)
    return str(file)


def on_line(option: Option, text: str) -> list[str]:
    return [option.flag] if isinstance(getattr(Settings, option.name), bool) else [option.flag, text]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_setting_can_be_said_in_each_way(
    option: Option, served: list[tuple[Settings, Config]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, toml = sample(option, tmp_path)
    main(["serve", "--config", written(tmp_path, f"{option.name} = {toml}")])
    if not option.secret:
        main(["serve", *on_line(option, text)])
    monkeypatch.setenv(option.variable, text)
    main(["serve"])
    collected = [settings for settings, _ in served]
    assert len(collected) == 2 + (not option.secret)
    assert collected == [Settings(**{option.name: option.value("", text)})] * len(collected)
    assert collected[0] != Settings()


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
    assert [settings for settings, _ in served] == [
        Settings(port=83, attempts=8, max_tools=6),
        Settings(port=82, attempts=8, max_tools=7),
    ]
    assert [file.engines for _, file in served] == [{"vllm": {"seed": 1}}, {}]


WRONG = [
    ("prot = 81", "unknown setting 'prot'. Did you mean 'port'"),
    ("max-tools = 3", "unknown setting 'max-tools'. Did you mean 'max_tools'"),
    ("colour = 1", r"unknown setting 'colour'. Engine arguments go into \[vllm\] or \[portable\] or \[remote\].$"),
    ("port = true", "port: must be an integer from 0 to 65535, not True"),
    ("port = 1.5", "port: must be an integer from 0 to 65535, not 1.5"),
    ("port = 65536", "port: must be an integer from 0 to 65535, not 65536"),
    ('port = "high"', "port: must be an integer from 0 to 65535, not 'high'"),
    ("host = 5", "host: must be a string, not 5"),
    ("no_auth = 1", "no_auth: must be true or false, not 1"),
    ("read_timeout = nan", "read_timeout: must be a number of seconds from 0.001 to 86400, not nan"),
    ("tool_format = {}", "tool_format: must be a string, not {}"),
    ('drafts = "some"', "drafts: must be one of auto, forced, off, not 'some'"),
    ("api_keys = [12345]", "api_keys: must be a comma-separated list of keys$"),
    ("api_keys = {}", "api_keys: must be a comma-separated list of keys$"),
    ("allowed_methods = {}", "allowed_methods: must be names, separated by commas, not {}"),
    ("aliases = 1", r"aliases: must be NAME=MODEL, where NAME may have one \* at its end, not 1"),
    ('aliases = ["a"]', r"aliases: must be NAME=MODEL, .* not \['a'\]"),
    ("aliases = {a = 1}", "aliases: must be NAME=MODEL, .* not {'a': 1}"),
    ("aliases = {a = 2026-11-28}", "aliases: must be NAME=MODEL, .* not {'a': "),
    ('[aliases]\n"a*b" = "m"', r"aliases: must be NAME=MODEL, .* not {'a\*b': 'm'}"),
    ('[[models]]\naliases = ["a=m"]', r"\[\[models\]\] 1: 'aliases' is a setting of the whole server: put it above"),
    ("vllm = 1", "vllm must be a table, not 1"),
    ("models = 1", r"models must be one or more tables that begin with \[\[models\]\]$"),
    ("models = []", "models must be one or more tables"),
    ("[models]", "models must be one or more tables"),
    ("models = [{}, 1]", "models must be one or more tables"),
    ("[vllm]\n[[models]]", r"\[vllm\] and \[\[models\]\] can't both be set: use \[models.vllm\]$"),
    ("[[models]]\n[[models]]\nport = 81", r"\[\[models\]\] 2: 'port' is a setting of the whole server: put it above"),
    ("[[models]]\ntool_fromat = 1", r"\[\[models\]\] 1: unknown setting 'tool_fromat'. Did you mean 'tool_format'\?"),
    ("[[models]]\nattempts = 0", r"\[\[models\]\] 1: attempts: must be an integer from 1 to 100, not 0"),
    ("[[models]]\nvllm = 1", r"\[\[models\]\] 1: vllm must be a table"),
    ("port = ", "not valid TOML"),
    ("port = 1\nport = 2", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_named_with_its_file(text: str, message: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(InvalidSetting, match=message) as refused:
        load_config(file)
    assert file in str(refused.value)
    assert "12345" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        '[aliases]\n"claude-*" = "a"\nb = "/m/x,y=1"\n[[models]]\n[models.vllm]\nmodel = "a"',
        '[[models]]\n[models.vllm]\nmodel = "a"\n[aliases]\n"claude-*" = "a"\nb = "/m/x,y=1"',
        """aliases = '{"claude-*": "a", "b": "/m/x,y=1"}'\n[[models]]\n[models.vllm]\nmodel = "a\"""",
    ],
)
def test_aliases_are_a_table_too(text: str, tmp_path: Path) -> None:
    config = load_config(written(tmp_path, text))
    assert config.settings == {"aliases": ("claude-*=a", "b=/m/x,y=1")}
    assert len(config.models) == 1


def test_flags_add_up(served: list[tuple[Settings, Config]], capsys: pytest.CaptureFixture[str]) -> None:
    main(["serve", "--alias", "a=m", "--alias", "b=m,c-*=n"])
    assert served[0][0].aliases == ("a=m", "b=m", "c-*=n")
    with pytest.raises(SystemExit) as exit_:
        main(["serve", "--alias", "a=m", "--alias", "a=n"])
    assert exit_.value.code == 2
    assert "aliases: 'a' is set twice, for 'm' and for 'n'" in capsys.readouterr().err


def test_wrong_files_exit_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["serve", "--config", written(tmp_path, "prot = 81")])
    assert exit_.value.code == 2
    assert "settings.toml: unknown setting 'prot'" in capsys.readouterr().err


def test_bytes_that_are_no_text_are_not_told(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b'api_keys = "\xff"')
    with pytest.raises(InvalidSetting, match=r"not valid UTF-8$"):
        load_config(str(file))


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
            r"f.toml: \[vllm\]: unknown argument 'tensor_paralel_size'. Did you mean 'tensor_parallel_size'",
        ),
        ({"model": False}, r"f.toml: \[vllm\] model: can't be false"),
    ],
)
def test_unknown_engine_arguments_are_named(engine: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        Config("f.toml", {}, {"vllm": engine}).engine_arguments("vllm", engine_parser())

"""The command line: whose option is whose, what is refused and why, and nothing heavy before it is needed."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import latticework
from latticework import cli
from latticework.commands import STATUSES, CommandFailed, engines, serve
from latticework.commands.launch import Launch
from latticework.config import CONFIG, Config
from latticework.settings import OPTIONS, Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    monkeypatch.delenv(CONFIG, raising=False)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, list[str]]]:
    """What would be served, instead of serving it."""
    calls: list[tuple[Settings, list[str]]] = []

    def note(launch: Launch) -> int:
        calls.append((launch.settings, list(launch.engine_arguments)))
        return 0

    monkeypatch.setattr(serve, "run_server", note)
    return calls


SPLIT = [
    ([], Settings(), []),
    (["--port", "0", "--no-auth"], Settings(port=0, no_auth=True), []),
    (["--model", "org/model", "-tp", "2"], Settings(), ["--model", "org/model", "-tp", "2"]),
    (
        ["--model=org/model", "--port=81", "--max_model_len", "1k"],
        Settings(port=81),
        ["--model=org/model", "--max_model_len", "1k"],
    ),
    (["--hf-overrides", '{"a": -1}', "--seed", "-1"], Settings(), ["--hf-overrides", '{"a": -1}', "--seed", "-1"]),
    (
        ["--schema-in-prompt", "always", "--tool-format", "hermes"],
        Settings(schema_in_prompt="always", tool_format="hermes"),
        [],
    ),
    (["--no-au"], Settings(), ["--no-au"]),
    (["--shutdown-timeout", "3", "--drain-timeout", "4"], Settings(drain_timeout=4), ["--shutdown-timeout", "3"]),
]


@pytest.mark.parametrize(("arguments", "settings", "engine"), SPLIT)
def test_each_option_finds_its_owner(
    arguments: list[str], settings: Settings, engine: list[str], served: list[tuple[Settings, list[str]]]
) -> None:
    assert cli.main(["serve", *arguments]) == 0
    assert served == [(settings, engine)]


def test_the_command_line_goes_before_the_environment(
    served: list[tuple[Settings, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTICEWORK_PORT", "81")
    monkeypatch.setenv("LATTICEWORK_HOST", "::1")
    cli.main(["serve", "--port", "82"])
    assert served[0][0] == Settings(host="::1", port=82)


def test_keys_come_from_the_environment_and_a_file(
    served: list[tuple[Settings, list[str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text("# team\nb\nc\n")
    monkeypatch.setenv("LATTICEWORK_API_KEYS", "a")
    cli.main(["serve", "--api-key-file", str(file)])
    monkeypatch.setenv("LATTICEWORK_API_KEY_FILE", str(file))
    cli.main(["serve"])
    assert [settings for settings, _ in served] == [Settings(api_keys=("a",), api_key_file=str(file))] * 2


WRONG = [
    ([], "required: COMMAND"),
    (["sever"], "invalid choice"),
    (["formats", "--jsn"], "unrecognized arguments: --jsn"),
    (["serve", "--config", "/nowhere"], "--config /nowhere: No such file"),
    (["serve", "--port", "high"], "--port: must be an integer from 0 to 65535, not 'high'"),
    (["serve", "--max-body-bytes", "0"], "--max-body-bytes: must be an integer from 1 to 1099511627776, not '0'"),
    (["serve", "--schema-in-prompt", "maybe"], "--schema-in-prompt: must be one of auto, always, never, not 'maybe'"),
    (["serve", "--tool-format", "morse"], "--tool-format: unknown format 'morse'; the formats are .*hermes"),
    (["serve", "--api-key-file", "/nowhere"], "--api-key-file /nowhere: .*No such file"),
    (["serve", "--api-key-file", "/dev/null"], "the file has no key"),
    (
        ["serve", "--port", "0", "--host", "0.0.0.0"],
        "set LATTICEWORK_API_KEYS or --api-key-file, or allow",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_exits_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2
    assert re.search(message, capsys.readouterr().err)


OPEN = [
    (["--host", "0.0.0.0", "--no-auth"], ""),
    (["--host", "0.0.0.0"], "a-key"),
    (["--host", "0.0.0.0", "--api-key-file", __file__], ""),
    (["--host", "localhost"], ""),
]


@pytest.mark.parametrize(("arguments", "api_keys"), OPEN)
def test_other_addresses_need_keys_or_consent(
    arguments: list[str], api_keys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATTICEWORK_API_KEYS", api_keys)

    def engine(arguments: list[str], settings: object, file: Config) -> None:
        raise CommandFailed("the address was accepted")

    monkeypatch.setattr(engines, "make_engine", engine)
    assert cli.main(["serve", "--port", "0", *arguments]) == 1
    assert "the address was accepted" in capsys.readouterr().err


def test_a_missing_vllm_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    assert cli.main(["serve", "--port", "0"]) == 1
    assert "pip install '.[gpu]'" in capsys.readouterr().err


def test_a_taken_port_is_known_before_anything_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["serve", "--port", str(taken.getsockname()[1])]) == 1
    assert "Choose another" in capsys.readouterr().err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["serve", "--help"])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    assert all(option.flag in out for option in OPTIONS if not option.secret)
    assert "--help-engine" in out
    assert "--api-keys" not in out  # on a command line, every user of the machine could read them


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("command", ["serve --help", "formats", "formats --json", "formats --template /dev/null"])
def test_light_commands_import_nothing_heavy(command: str) -> None:
    """Each of them takes longer to import than the command takes to answer."""
    code = f"""if True:
        import contextlib, io, sys
        before = len(sys.modules)
        from latticework.cli import main
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            main({command.split()!r})
        print(len(sys.modules) - before, *sys.modules)"""
    count, *loaded = python(code).split()
    assert not {"torch", "transformers", "vllm", "uvicorn", "starlette", "pydantic", "jsonschema"} & set(loaded)
    assert int(count) < 150


def test_what_the_package_exports_is_there() -> None:
    for name in latticework.__all__:
        assert name in dir(latticework)
        assert getattr(latticework, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        latticework.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"latticework {latticework.__version__}\n"


@pytest.mark.parametrize("arguments", [[], *([name] for name in cli.COMMANDS)])
def test_every_help_tells_the_exit_statuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main([*arguments, "--help"])
    assert exit_.value.code == 0
    assert STATUSES.splitlines()[-1] in capsys.readouterr().out


def test_readers_may_have_enough() -> None:
    """`latticework formats | head -1`"""
    code = "import sys; from latticework.cli import main; sys.exit(main(['formats']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")


VLLM = """
import json
import re
from latticework.config import Config
from latticework.engines.vllm.arguments import parse_engine_arguments, vllm_parser
from latticework.options import InvalidSetting

def embedded():
    return {"model": "embedded", "served_model_name": ["name"], "enforce_eager": True}

def parsed(*arguments):
    args = parse_engine_arguments(arguments, "latticework serve", embedded).args
    return [args.model, args.served_model_name, args.enforce_eager, args.max_model_len]

def refused(*arguments):
    try:
        parse_engine_arguments(arguments, "latticework serve", embedded)
    except SystemExit as exit:
        return exit.code

def from_file(*arguments, **engine):
    file = Config("f.toml", {}, {"vllm": engine})
    args = parse_engine_arguments(arguments, "latticework serve", embedded, file).args
    return [args.model, args.served_model_name, args.enforce_eager, args.max_model_len, args.hf_overrides]

def unknown(**engine):
    try:
        from_file(**engine)
    except InvalidSetting as error:
        return str(error)

FILE = dict(model="org/model", served_model_name=["a", "b"], enforce_eager=True)
FILE |= dict(max_model_len=512, hf_overrides={"a": 1})
print(json.dumps({
    "file": from_file(**FILE),
    "line": from_file("--model", "other", "--no-enforce-eager", **FILE),
    "off": from_file(enforce_eager=False, disable_log_stats=False),
    "unknown": unknown(tensor_paralel_size=2),
    "own": sorted({flag for action in vllm_parser("x")._actions for flag in action.option_strings}),
    "embedded": parsed(),
    "named": parsed("--model", "org/model", "--max_model_len", "1k"),
    "changed": parsed("--no-enforce-eager", "--served-model-name", "mine"),
    "refused": refused("--no-such-option"),
}))
"""


def test_vllm_reads_its_own_arguments() -> None:
    result = json.loads(python(VLLM).splitlines()[-1])
    ours = {option.flag for option in OPTIONS} | {"--help-engine", "--config", "--help", "-h"}
    assert not ours & set(result["own"])
    assert result["embedded"] == ["embedded", ["name"], True, None]
    assert result["named"] == ["org/model", None, False, 1000]
    assert result["changed"] == ["embedded", ["mine"], False, None]
    assert result["refused"] == 2
    assert result["file"] == ["org/model", ["a", "b"], True, 512, {"a": 1}]
    assert result["line"] == ["other", ["a", "b"], False, 512, {"a": 1}]
    assert result["off"][:3] == ["embedded", ["name"], False]
    assert "f.toml: [vllm]: unknown argument 'tensor_paralel_size'" in result["unknown"]
    assert "Did you mean 'tensor_parallel_size'?" in result["unknown"]

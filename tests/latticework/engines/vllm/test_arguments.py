"""The arguments of `vllm serve`: each is taken, or refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest
from vllm.config import StructuredOutputsConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser

from latticework.config import Config
from latticework.engines.serve_arguments import ENGINE, SERVER, Taken, Untaken, flag
from latticework.engines.vllm import VllmEngine
from latticework.engines.vllm.arguments import parse_engine_arguments, vllm_parser
from latticework.options import InvalidSetting
from latticework.settings import OPTIONS

# Not our options, but taken where the engine's arguments are parsed; `--config` is of the command itself.
ELSEWHERE = {"model_tag", "lora_modules", "config"}


def no_model() -> dict[str, Any]:
    raise AssertionError("a model is named")


def parsed(*words: str) -> AsyncEngineArgs:
    return parse_engine_arguments(words, "latticework serve", no_model).args


def test_each_argument_of_vllms_server_has_its_row() -> None:
    served = {action.dest for action in make_arg_parser(FlexibleArgumentParser(add_help=False))._actions}
    of_engine = {action.dest for action in vllm_parser("latticework")._actions}
    assert served - of_engine == SERVER.keys()
    assert ENGINE.keys() <= of_engine


def test_what_is_taken_is_an_option_here() -> None:
    ours = {option.name for option in OPTIONS} | ELSEWHERE
    assert {name for name, argument in SERVER.items() if isinstance(argument, Taken)} <= ours
    assert not {name for name, argument in SERVER.items() if isinstance(argument, Untaken)} & ours


REFUSED = [name for name, argument in SERVER.items() if isinstance(argument, Untaken)]


@pytest.mark.parametrize("name", REFUSED)
def test_an_argument_without_a_meaning_here_says_what_to_do(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([flag(name)], [flag(name), "a", "b"], [f"{flag(name)}=a"], [flag(f"no_{name}")]):
        with pytest.raises(SystemExit) as ended:
            parsed("--model", "a", *words)
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        argument = SERVER[name]
        assert isinstance(argument, Untaken)
        assert line == f"latticework serve: error: {flag(name)}: {argument.why}."


def test_a_file_is_read_likewise(capsys: pytest.CaptureFixture[str]) -> None:
    file = Config("a.toml", engines={"vllm": {"model": "a", "enable_auto_tool_choice": True}})
    with pytest.raises(SystemExit):
        parse_engine_arguments((), "latticework serve", no_model, file)
    assert "--enable-auto-tool-choice: remove it: tool calls are always on." in capsys.readouterr().err


def test_a_model_may_be_named_without_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed("a/b", "--max-num-seqs", "4").model == "a/b"
    assert parsed("--max-num-seqs", "4", "a/b").model == "a/b"
    assert parsed("a/b", "--model", "a/b").model == "a/b"
    with pytest.raises(SystemExit):
        parsed("a/b", "--model", "c")
    assert "a/b: --model names another model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("own", "named"),
    [
        ({"reasoning_parser": "qwen3"}, "--reasoning-parser: remove it: grammars hold the reasoning"),
        ({"reasoning_parser_plugin": "a.py"}, "--reasoning-parser-plugin: remove it"),
        ({"reasoning_config": {"reasoning_start_str": "<think>"}}, "--reasoning-config: remove it"),
        (
            {"structured_outputs_config": {"reasoning_parser": "qwen3"}},
            "--structured-outputs-config.reasoning_parser: remove it: grammars hold",
        ),
        (
            {"structured_outputs_config": {"enable_in_reasoning": True}},
            "--structured-outputs-config.enable_in_reasoning",
        ),
        ({"structured_outputs_config": {"backend": "xgrammar"}}, "--structured-outputs-config.backend: remove it"),
        (
            {"structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True}},
            "--structured-outputs-config.disable_any_whitespace",
        ),
    ],
)
def test_what_would_break_grammars_is_refused(own: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        VllmEngine(AsyncEngineArgs(model="a", **own))
    assert str(refused.value).startswith(named)


@pytest.mark.parametrize("backend", ["auto", "guidance"])
def test_the_backend_that_is_used_may_be_named(backend: Any) -> None:
    config = StructuredOutputsConfig(backend=backend)
    engine = VllmEngine(AsyncEngineArgs(model="a", structured_outputs_config=config))
    assert engine._args.structured_outputs_config.backend == "guidance"


def test_dotted_arguments_are_refused_too() -> None:
    with pytest.raises(InvalidSetting, match="reasoning_parser: remove it"):
        VllmEngine(parsed("a", "--structured-outputs-config.reasoning_parser", "qwen3"))

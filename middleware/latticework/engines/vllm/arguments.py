"""vLLM's engine arguments, parsed by vLLM's own parser: all that the installed vLLM has, by their own names."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from vllm.config import StructuredOutputsConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.utils.argparse_utils import FlexibleArgumentParser

from latticework.config import Config
from latticework.engines.base import MOST_SCORED, Adapter
from latticework.engines.serve_arguments import ENGINE, SERVER, Untaken, config_refusal, flag, refusal
from latticework.engines.vllm.adapters import OPTION, parse_adapters
from latticework.options import InvalidSetting

NO_FILE = Config()
# The exit status for wrong usage, as argparse has it.
MISUSED = 2


class EngineArguments(NamedTuple):
    """Those of vLLM's engine, and the adapters that are named beside them."""

    args: AsyncEngineArgs
    adapters: Sequence[Adapter]


def parse_engine_arguments(
    arguments: Sequence[str], prog: str, embedded: Callable[[], Mapping[str, Any]], file: Config = NO_FILE
) -> EngineArguments:
    """`embedded` returns the arguments of the embedded model, for where none is named; `arguments` override the file's.

    Exits with status 2 and vLLM's own message on an unknown argument, and with this server's on one of `vllm serve`
    that it does not take. Raises InvalidSetting for one in the file, and for adapters in neither form.
    """
    parser = vllm_parser(prog)
    parser.set_defaults(model=None)
    for name, argument in SERVER.items():
        if isinstance(argument, Untaken):
            flags = [flag(name), flag(f"no_{name}")]
            parser.add_argument(*flags, dest=name, nargs="*", default=SUPPRESS, action=_Refusal, help=SUPPRESS)
    parser.add_argument(
        OPTION, nargs="+", default=(), metavar="NAME=PATH", help="adapters by name, as vllm serve has it"
    )
    listed = [*file.engine_arguments("vllm", parser), *arguments]
    parser.add_argument("model_tag", nargs="?", help=SUPPRESS)
    parsed = parser.parse_args(listed)
    if parsed.model_tag is not None:
        if parsed.model not in (None, parsed.model_tag):
            parser.error(f"{parsed.model_tag}: --model names another model")
        parsed.model = parsed.model_tag
    if parsed.model is None:
        parser.set_defaults(**embedded())
        parsed = parser.parse_args(listed)
    return EngineArguments(AsyncEngineArgs.from_cli_args(parsed), parse_adapters(parsed.lora_modules))


class _Refusal(Action):
    """Of an argument with any values, all of which end the start."""

    def __call__(self, parser: ArgumentParser, *given: object) -> None:
        argument = SERVER[self.dest]
        assert isinstance(argument, Untaken)
        parser.exit(MISUSED, f"{parser.prog}: error: {refusal(self.dest, argument)}\n")


def vllm_help(prog: str) -> str:
    return str(vllm_parser(prog).format_help())


def vllm_parser(prog: str) -> FlexibleArgumentParser:
    return AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(prog=prog, add_help=False))


def refuse_untaken(args: AsyncEngineArgs) -> None:
    """Raises InvalidSetting."""
    for name, argument in ENGINE.items():
        if isinstance(argument, Untaken) and getattr(args, name, None):
            raise InvalidSetting(refusal(name, argument))
    given = args.structured_outputs_config or {}
    config = given if isinstance(given, Mapping) else vars(given)
    usual = {**vars(StructuredOutputsConfig()), "backend": "guidance"}
    for name, value in config.items():
        if value != usual.get(name, value) and (name, value) != ("backend", "auto"):
            raise InvalidSetting(config_refusal(name))


def with_pinned(args: AsyncEngineArgs) -> AsyncEngineArgs:
    """Pins what the guarantees depend on. Changes `args` in place, as vLLM itself does. Raises InvalidSetting for an
    argument that would break them.
    """
    refuse_untaken(args)
    args.structured_outputs_config = StructuredOutputsConfig(backend="guidance")
    if args.max_logprobs >= 0:
        args.max_logprobs = max(args.max_logprobs, MOST_SCORED)  # for scoring; requests keep the limit that was given
    if current_platform.is_cpu() and args.enable_chunked_prefill is None:
        # A seeded request with a chunked prefill kills vLLM's CPU engine: its runner rewinds the request's generator,
        # and torch's CPU generators have no offset.
        args.enable_chunked_prefill = False
    return args

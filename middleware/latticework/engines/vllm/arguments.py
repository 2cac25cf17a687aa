"""vLLM's engine arguments, parsed by vLLM's own parser: all that the installed vLLM has, by their own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vllm.config import StructuredOutputsConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.utils.argparse_utils import FlexibleArgumentParser

from latticework.config import Config

NO_FILE = Config()


def engine_args(
    arguments: Sequence[str], prog: str, embedded: Callable[[], Mapping[str, Any]], file: Config = NO_FILE
) -> AsyncEngineArgs:
    """`embedded` returns the arguments of the embedded model, for where none is named; `arguments` override the file's.

    Exits with status 2 and vLLM's own message on an unknown argument. Raises InvalidSetting for one in the file.
    """
    parser = vllm_parser(prog)
    parser.set_defaults(model=None)
    listed = [*file.engine_arguments("vllm", parser), *arguments]
    parsed = parser.parse_args(listed)
    if parsed.model is None:
        parser.set_defaults(**embedded())
        parsed = parser.parse_args(listed)
    return AsyncEngineArgs.from_cli_args(parsed)


def vllm_help(prog: str) -> str:
    return str(vllm_parser(prog).format_help())


def vllm_parser(prog: str) -> FlexibleArgumentParser:
    return AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(prog=prog, add_help=False))


def with_pinned(args: AsyncEngineArgs) -> AsyncEngineArgs:
    """Pins what the guarantees depend on. Changes `args` in place, as vLLM itself does."""
    args.structured_outputs_config = StructuredOutputsConfig(backend="guidance")
    if current_platform.is_cpu() and args.enable_chunked_prefill is None:
        # A seeded request with a chunked prefill kills vLLM's CPU engine: its runner rewinds the request's generator,
        # and torch's CPU generators have no offset.
        args.enable_chunked_prefill = False
    return args

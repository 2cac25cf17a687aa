"""vLLM's engine arguments, read by vLLM's own parser: whatever the installed vLLM can be told, by its own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser


def engine_args(arguments: Sequence[str], prog: str, embedded: Callable[[], Mapping[str, Any]]) -> AsyncEngineArgs:
    """`embedded` gives the defaults of every argument that matters where no --model is named.

    Exits with status 2 and vLLM's own message on an argument that it does not know.
    """
    parser = _parser(prog)
    parser.set_defaults(model=None)
    parsed = parser.parse_args(list(arguments))
    if parsed.model is None:
        parser.set_defaults(**embedded())
        parsed = parser.parse_args(list(arguments))
    return AsyncEngineArgs.from_cli_args(parsed)


def help_text(prog: str) -> str:
    return str(_parser(prog).format_help())


def _parser(prog: str) -> FlexibleArgumentParser:
    return AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(prog=prog, add_help=False))

"""vLLM's engine arguments, read by vLLM's own parser: whatever the installed vLLM can be told, by its own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser

from latticework.config import Config

NO_FILE = Config()


def engine_args(
    arguments: Sequence[str], prog: str, embedded: Callable[[], Mapping[str, Any]], file: Config = NO_FILE
) -> AsyncEngineArgs:
    """`embedded` gives the defaults of every argument that matters where no model is named; `arguments` go before
    those of the file.

    Exits with status 2 and vLLM's own message on an argument that it does not know. Raises InvalidSetting for one that
    the file has and vLLM does not.
    """
    parser = _parser(prog)
    parser.set_defaults(model=None)
    told = [*file.engine_arguments("vllm", parser), *arguments]
    parsed = parser.parse_args(told)
    if parsed.model is None:
        parser.set_defaults(**embedded())
        parsed = parser.parse_args(told)
    return AsyncEngineArgs.from_cli_args(parsed)


def help_text(prog: str) -> str:
    return str(_parser(prog).format_help())


def _parser(prog: str) -> FlexibleArgumentParser:
    return AsyncEngineArgs.add_cli_args(FlexibleArgumentParser(prog=prog, add_help=False))

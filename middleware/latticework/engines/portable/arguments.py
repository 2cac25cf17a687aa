"""The portable engine's arguments. Those that vLLM has too have the same names."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.config import Config

DTYPES = ("auto", "float32", "float", "float16", "half", "bfloat16")
DEVICES = ("auto", "cuda", "mps", "cpu")
NO_FILE = Config()


@dataclass(frozen=True)
class PortableArgs:
    """Attributes:

    model: a directory in Hugging Face's layout, or a name on its hub.
    revision: of a model on the hub: a branch, a tag or a commit.
    dtype: of the weights. `auto` is float32 on a CPU, where the others are slow, and elsewhere the model's own.
    device: `auto` is cuda, else mps, else cpu.
    max_model_len: the most tokens of prompt and answer together; None: as many as the model has positions.
    max_num_seqs: the most answers that are generated at once. They take turns, a forward pass each.
    enable_prefix_caching: whether the common beginning of a prompt and an earlier one is not read again.
    served_model_name: the names by which requests may call the model, the first is its own; empty: `model`.
    """

    model: str
    revision: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    max_model_len: int | None = None
    max_num_seqs: int = 8
    enable_prefix_caching: bool = True
    served_model_name: Sequence[str] = ()


def portable_args(
    arguments: Sequence[str], prog: str, embedded: Callable[[], Mapping[str, Any]], file: Config = NO_FILE
) -> PortableArgs:
    """`embedded` returns the arguments of the embedded model, for where none is named; `arguments` override the file's.

    Exits with status 2 on an unknown argument or an invalid value. Raises InvalidSetting for one of the file's.
    """
    parser = _portable_parser(prog)
    listed = [*file.engine_arguments("portable", parser), *arguments]
    given = {name: value for name, value in vars(parser.parse_args(listed)).items() if value is not None}
    return PortableArgs(**{**({} if "model" in given else embedded()), **given})


def portable_help(prog: str) -> str:
    return _portable_parser(prog).format_help()


def _portable_parser(prog: str) -> ArgumentParser:
    """Without defaults: the embedded model has its own."""
    parser = ArgumentParser(f"{prog} --engine portable", add_help=False, allow_abbrev=False)
    parser.add_argument("--model", help="a directory in Hugging Face's layout, or a name on its hub")
    parser.add_argument("--revision", help="of a model on the hub: a branch, a tag or a commit")
    parser.add_argument("--dtype", choices=DTYPES, help="of the weights; auto: float32 on a CPU, else the model's own")
    parser.add_argument("--device", choices=DEVICES, help="auto: cuda, else mps, else cpu")
    parser.add_argument(
        "--max-model-len", type=positive_integer, metavar="TOKENS", help="the most tokens of prompt and answer"
    )
    parser.add_argument("--max-num-seqs", type=positive_integer, metavar="N", help="the most concurrent answers (8)")
    parser.add_argument(
        "--enable-prefix-caching",
        action=BooleanOptionalAction,
        help="don't read the common beginning of a prompt and an earlier one again (on)",
    )
    parser.add_argument("--served-model-name", nargs="+", metavar="NAME", help="the model's names in requests")
    return parser


def positive_integer(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number

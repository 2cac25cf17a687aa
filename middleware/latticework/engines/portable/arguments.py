"""The portable engine's arguments. Where vLLM has the same, it is by the same name."""

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
    dtype: of the weights. `auto` is float32 on a CPU, where the others are slow, and elsewhere what the model comes in.
    device: `auto` is cuda, else mps, else cpu.
    max_model_len: tokens of prompt and answer together; None: as many as the model knows positions for.
    max_num_seqs: how many answers are generated at once. They take turns, a forward pass each.
    enable_prefix_caching: whether a prompt that begins as an earlier one is read from where they part.
    served_model_name: what requests may call the model, the first is its own name; none: `model`.
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
    """`embedded` gives the defaults of every argument that matters where no model is named; `arguments` go before
    those of the file.

    Exits with status 2 on an argument that there is not, or that is of no use. Raises InvalidSetting for one of the
    file's.
    """
    parser = _parser(prog)
    told = [*file.engine_arguments("portable", parser), *arguments]
    given = {name: value for name, value in vars(parser.parse_args(told)).items() if value is not None}
    return PortableArgs(**{**({} if "model" in given else embedded()), **given})


def help_text(prog: str) -> str:
    return _parser(prog).format_help()


def _parser(prog: str) -> ArgumentParser:
    """What is not given is None: the embedded model has defaults of its own."""
    parser = ArgumentParser(f"{prog} --engine portable", add_help=False, allow_abbrev=False)
    parser.add_argument("--model", help="a directory in Hugging Face's layout, or a name on its hub")
    parser.add_argument("--revision", help="of a model on the hub: a branch, a tag or a commit")
    parser.add_argument("--dtype", choices=DTYPES, help="of the weights; auto: float32 on a CPU, else the model's own")
    parser.add_argument("--device", choices=DEVICES, help="auto: cuda, else mps, else cpu")
    parser.add_argument("--max-model-len", type=_size, metavar="TOKENS", help="the most of prompt and answer together")
    parser.add_argument("--max-num-seqs", type=_size, metavar="N", help="how many answers are generated at once (8)")
    parser.add_argument(
        "--enable-prefix-caching",
        action=BooleanOptionalAction,
        help="read a prompt that begins as an earlier one from where they part (on)",
    )
    parser.add_argument("--served-model-name", nargs="+", metavar="NAME", help="what requests call the model")
    return parser


def _size(text: str) -> int:
    if (size := int(text)) < 1:
        raise ValueError(text)
    return size

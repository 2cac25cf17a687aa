"""What can be said of remote engines on the command line, by the names that vLLM has for it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from latticework.config import Config


@dataclass(frozen=True)
class Arguments:
    """`names` are the model's, and `tokenizer` is where its tokenizer is; by default the remotes tell both."""

    names: tuple[str, ...]
    tokenizer: str | None
    trust_remote_code: bool


def read(arguments: Sequence[str], prog: str, file: Config) -> tuple[Arguments, Sequence[str]]:
    """And what is none of them. `arguments` go before those of the file's table [remote].

    Exits with status 2 where a value is missing. Raises InvalidSetting for one that the file has and this has not.
    """
    parser = _parser(prog)
    told, rest = parser.parse_known_args([*file.engine_arguments("remote", parser), *arguments])
    names = tuple(told.served_model_name or ())
    return Arguments(names, told.tokenizer or told.model, told.trust_remote_code), rest


def address(text: str) -> str:
    """As requests are sent there. Raises ValueError, whose message tells no password."""
    parts = urlsplit(text)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a key is not part of an address: set LATTICEWORK_ENGINE_API_KEY")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{text} is no address: http://HOST:PORT is")
    _ = parts.port  # raises ValueError, too
    return text.rstrip("/").removesuffix("/v1").rstrip("/")


def help_text(prog: str) -> str:
    return _parser(prog).format_help()


def _parser(prog: str) -> ArgumentParser:
    parser = ArgumentParser(f"{prog} --engine http://HOST:PORT", add_help=False, allow_abbrev=False)
    parser.add_argument("--model", metavar="PATH_OR_ID", help="where the tokenizer is, unless --tokenizer says so")
    parser.add_argument("--tokenizer", metavar="PATH_OR_ID", help="a directory or a name on the hub; the remotes' root")
    parser.add_argument("--served-model-name", nargs="+", metavar="NAME", help="the model's at the remotes, and here")
    parser.add_argument("--trust-remote-code", action="store_true", help="that comes with the tokenizer")
    return parser

"""The remote engine's arguments, by vLLM's names."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from latticework.config import Config


@dataclass(frozen=True)
class RemoteArguments:
    """`names` are the model's, `tokenizer` is where its tokenizer is; by default both come from the remotes."""

    names: tuple[str, ...]
    tokenizer: str | None
    trust_remote_code: bool


def parse_remote_arguments(arguments: Sequence[str], prog: str, file: Config) -> tuple[RemoteArguments, Sequence[str]]:
    """And the unknown arguments. `arguments` override those of the file's table [remote].

    Exits with status 2 if a value is missing. Raises InvalidSetting for an unknown argument in the file.
    """
    parser = _remote_parser(prog)
    parsed, rest = parser.parse_known_args([*file.engine_arguments("remote", parser), *arguments])
    names = tuple(parsed.served_model_name or ())
    return RemoteArguments(names, parsed.tokenizer or parsed.model, parsed.trust_remote_code), rest


def base_url(text: str) -> str:
    """The URL that paths are appended to. Raises ValueError, whose message contains no password."""
    parts = urlsplit(text)
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not contain a key: set LATTICEWORK_ENGINE_API_KEY")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{text} is not an address of the form http://HOST:PORT")
    _ = parts.port  # raises ValueError, too
    return text.rstrip("/").removesuffix("/v1").rstrip("/")


def remote_help(prog: str) -> str:
    return _remote_parser(prog).format_help()


def _remote_parser(prog: str) -> ArgumentParser:
    parser = ArgumentParser(f"{prog} --engine http://HOST:PORT", add_help=False, allow_abbrev=False)
    parser.add_argument("--model", metavar="PATH_OR_ID", help="where the tokenizer is, without --tokenizer")
    parser.add_argument("--tokenizer", metavar="PATH_OR_ID", help="a directory or a name on the hub")
    parser.add_argument("--served-model-name", nargs="+", metavar="NAME", help="the model's, there and here")
    parser.add_argument("--trust-remote-code", action="store_true", help="run code that comes with the tokenizer")
    return parser

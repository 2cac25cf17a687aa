"""Checks the commands of the pages: an existing program, subcommand and flags."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from latticework import cli
from latticework.app import OPERATIONS
from tests.docs.made import ROOT

# The sources that parse each target's ARGS.
_ARGS: Mapping[str, str] = {"bench": "benchmarks", "soak": "tests/soak", "docs": "tests/docs"}
# Commands of latticework that pass unknown arguments on, and to which sources.
_ENGINES = "middleware/latticework/engines"
_PASS_ON = {"serve": _ENGINES, "batch": _ENGINES, "bench": "benchmarks"}
# Those that pass them on to vLLM too.
_STARTS_VLLM = ("serve", "batch")


def wrong(command: str) -> str:
    """The mistake in a command, or ""."""
    program, words = _parted(command)
    return _CHECKS[program](words) if program in _CHECKS else ""


def foreign_flags(command: str) -> set[str]:
    """The flags of a program that is not checked."""
    program, words = _parted(command)
    return set() if program in _CHECKS else set(flags(words))


def _parted(command: str) -> tuple[str, Sequence[str]]:
    """The program and its arguments, without variables before it and a comment after it."""
    words = shlex.split(command.partition("  #")[0], posix=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0], re.DOTALL):
        words = words[1:]
    return (Path(words[0]).name, words[1:]) if words else ("", ())


def flags(words: Sequence[str]) -> Iterator[str]:
    return (word.partition("=")[0] for word in words if re.match(r"--\w", word))


def _latticework(words: Sequence[str]) -> str:
    named = [word for word in words if not word.startswith("-")]
    if not named:
        return ""
    if named[0] not in cli.COMMANDS:
        return f"latticework has no command {named[0]!r}"
    if named[0] in _STARTS_VLLM and not vllm_flags():
        return ""  # any flag may be vLLM's
    return _unknown(options()[named[0]] | _passed_on(named[0]), flags(words))


def _unknown(known: set[str], given: Iterator[str]) -> str:
    return ", ".join(f"{flag} is not known" for flag in given if flag not in known)


@cache
def options() -> Mapping[str, set[str]]:
    """The flags of each command of latticework."""
    _, parsers = cli.command_parsers()
    return {name: set(parser._option_string_actions) for name, parser in parsers.items()}


def _passed_on(command: str) -> set[str]:
    folder = _PASS_ON.get(command)
    return (written_flags(folder) if folder else set()) | (vllm_flags() if command in _STARTS_VLLM else set())


@cache
def vllm_flags() -> set[str]:
    """The arguments of vLLM's engine and server, read from its source, because importing it takes 15 s. Empty without
    vLLM."""
    spec = importlib.util.find_spec("vllm")
    places = spec.submodule_search_locations if spec else None
    files = [file for place in places or () for name in _DECLARING for file in Path(place).glob(name)]
    names = {name.replace("_", "-") for file in files for name in _fields(file)}
    added = {flag for file in files for flag in re.findall(r'"(--[\w-]+)"', file.read_text(encoding="utf-8"))}
    return {f"--{no}{name}" for name in names for no in ("", "no-")} | added


# The files in which vLLM declares them, as fields of classes.
_DECLARING = ("engine/arg_utils.py", "entrypoints/**/cli_args.py")


def _fields(file: Path) -> Iterator[str]:
    for cls in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(cls, ast.ClassDef):
            targets = (node.target for node in cls.body if isinstance(node, ast.AnnAssign))
            yield from (target.id for target in targets if isinstance(target, ast.Name))


@cache
def written_flags(folder: str) -> set[str]:
    """The flags in the sources of a folder, or in a file."""
    place = ROOT / folder
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    return {flag for file in files for flag in re.findall(r'"(--[\w-]+)"', file.read_text(encoding="utf-8"))}


def _python(words: Sequence[str]) -> str:
    if words[:1] != ["-m"] or len(words) < 2:
        return "" if words[:1] == ["-c"] or not words or (ROOT / words[0]).exists() else f"{words[0]} is no file"
    module, folder = words[1], words[1].replace(".", "/")
    if module.partition(".")[0] not in ("turngrammar", "latticework", "benchmarks", "tests", "examples"):
        return "" if importlib.util.find_spec(module) else f"there is no module {module}"
    runs = [ROOT / f"{folder}.py", ROOT / folder / "__main__.py"]
    if not any(file.is_file() for file in runs):
        return f"{module} can't be run"
    return _unknown(written_flags(folder.partition("/")[0]) | written_flags("tests/soak"), flags(words))


def _make(words: Sequence[str]) -> str:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [word for word in words if "=" not in word and not word.startswith("-")]
    if missing := [target for target in named if target not in targets]:
        return f"the Makefile has no {missing[0]}"
    args = next((word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")), "")
    given = args.split()
    if "serve" in named:
        return _latticework(["serve", *given])
    return _unknown(written_flags(_ARGS[named[0]]), flags(given)) if given and named[0] in _ARGS else ""


def _pip(words: Sequence[str]) -> str:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [extra for word in words for listed in re.findall(r"\[([\w,]+)\]", word) for extra in listed.split(",")]
    return ", ".join(f"there is no extra {extra}" for extra in named if extra not in extras)


def _docker(words: Sequence[str]) -> str:
    files = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-f"]
    return ", ".join(f"there is no {file}" for file in files if not (ROOT / file).is_file())


def _curl(words: Sequence[str]) -> str:
    """The paths of this server's own URLs, with any mount prefix."""
    paths = [urlsplit(word).path for word in words if word.startswith(("http://127.0.0.1", "http://localhost"))]
    known = [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation.path)) for operation in OPERATIONS]
    return ", ".join(f"unknown path {path}" for path in paths if not any(re.search(f"{end}$", path) for end in known))


_CHECKS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "latticework": _latticework,
    "python": _python,
    "make": _make,
    "pip": _pip,
    "docker": _docker,
    "curl": _curl,
}

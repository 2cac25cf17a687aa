"""One part of vLLM that is not a public interface: what it is used for, and whether the installed vLLM has it."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any


def do_nothing(*args: Any) -> None:
    """Leaves vLLM as it is."""


def written_already() -> None:
    """vLLM writes its metrics itself."""


@dataclass(frozen=True)
class Patch:
    """Something of this server that rests on vLLM's private parts. Without them, `fallback` takes its place.

    Attributes:
        name: as the log and /health have it.
        purpose: what it is for.
        without: what is lost without it, a clause.
        versions: the versions of vLLM that have all it needs.
        needs: the private names, each `module:path` of an attribute, or `module:path(a, b)` of something that can be
            called with parameters of these names. Attributes that a class's `__init__` sets count as the class's.
        install: `module:function`, imported only where vLLM has what is needed.
        fallback: called in its place where vLLM has not, with the same arguments.
        defect: `module:function` that returns what else excludes it in the installed vLLM, or None.
    """

    name: str
    purpose: str
    without: str
    versions: tuple[str, ...]
    needs: tuple[str, ...]
    install: str
    fallback: Callable[..., Any] = do_nothing
    defect: str | None = None

    def missing(self) -> str | None:
        """Why it can't be installed; None if it can."""
        lacking = [need for need in self.needs if is_lacking(need)]
        if lacking:
            more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
            return f"has no {lacking[0]}{more}"
        try:
            self.installer()
            defect: str | None = None if self.defect is None else _imported(self.defect)()
            return defect
        except (ImportError, AttributeError, TypeError) as error:
            return f"differs: {error}"

    def notice(self, version: str, missing: str) -> str:
        """For the log and /health."""
        return f"{self.name}: {self.without}. vLLM {version} {missing}."

    def chosen(self) -> Callable[..., Any]:
        """What installs it, or else its fallback."""
        return self.installer() if self.missing() is None else self.fallback

    def installer(self) -> Callable[..., Any]:
        """Raises ImportError and AttributeError where vLLM lacks what it needs."""
        return _imported(self.install)


def _imported(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), path)
    return function


def is_lacking(need: str) -> bool:
    """Whether the installed vLLM has no such name, or calls its parameters otherwise."""
    module, _, path = need.partition(":")
    path, _, parameters = path.partition("(")
    try:
        owner: Any = import_module(module)
    except ImportError:
        return True
    for name in path.split("."):
        if not _has(owner, name):
            return True
        owner = getattr(owner, name, None)
    wanted = {parameter.strip() for parameter in parameters.rstrip(")").split(",") if parameter.strip()}
    return bool(wanted) and not (callable(owner) and wanted <= inspect.signature(owner).parameters.keys())


def _has(owner: Any, name: str) -> bool:
    return hasattr(owner, name) or (isinstance(owner, type) and name in _instance_attributes(owner))


@lru_cache(maxsize=64)
def _instance_attributes(owner: type) -> frozenset[str]:
    """What the class and those it inherits from set in `__init__`, as a dataclass does with its fields."""
    codes = [getattr(vars(kind).get("__init__"), "__code__", None) for kind in owner.__mro__]
    entries = (entry for code in codes if code is not None for entry in dis.get_instructions(code))
    return frozenset(entry.argval for entry in entries if entry.opname == "STORE_ATTR")


class Chosen:
    """What there is of some patches, looked up once.

    Attributes:
        missing: the reason for each patch that can't be installed.
    """

    def __init__(self, patches: Iterable[Patch]) -> None:
        reasons = {patch: patch.missing() for patch in patches}
        self.missing = {patch: reason for patch, reason in reasons.items() if reason is not None}
        self._functions = {
            patch: patch.fallback if reason is not None else patch.installer() for patch, reason in reasons.items()
        }

    def __getitem__(self, patch: Patch) -> Callable[..., Any]:
        """What installs it, or else its fallback."""
        return self._functions[patch]

"""In every process whose PYTHONPATH has this folder: a vLLM in which latticework does not find some private names.

vLLM itself still finds them, so that it runs. LATTICEWORK_TEST_HIDDEN has them, as `compat.PATCHES` does, by lines.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

HIDDEN: dict[str, list[str]] = {}
for need in os.environ.get("LATTICEWORK_TEST_HIDDEN", "").splitlines():
    module, _, path = need.partition(":")
    HIDDEN.setdefault(module, []).append(path)


def is_ours(depth: int = 2) -> bool:
    return str(sys._getframe(depth).f_globals.get("__name__", "")).startswith("latticework.")


class Hidden:
    """A class's attribute, in its place: for everybody but latticework."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def __get__(self, instance: Any, owner: type) -> Any:
        if is_ours():
            raise AttributeError(self.name)
        own = getattr(instance, "__dict__", {})
        if self.name in own:
            return own[self.name]
        return self.value.__get__(instance, owner) if hasattr(type(self.value), "__get__") else self.value

    def __set__(self, instance: Any, value: Any) -> None:
        if hasattr(type(self.value), "__set__"):
            self.value.__set__(instance, value)
        else:
            vars(instance)[self.name] = value

    def __delete__(self, instance: Any) -> None:
        del vars(instance)[self.name]


def hide(module: ModuleType, path: str) -> None:
    """A name, or the names of a function's parameters."""
    path, called, _ = path.partition("(")
    owner, _, name = path.rpartition(".")
    if called:
        rename_parameters(getattr(module, owner) if owner else module, name)
    elif owner:
        hide_attribute(getattr(module, owner), name)
    else:
        vars(module).setdefault("_hidden", set()).add(name)
        module.__class__ = HidingModule


def rename_parameters(owner: Any, name: str) -> None:
    found = inspect.getattr_static(owner, name)
    wrap = type(found) if isinstance(found, (staticmethod, classmethod)) else None
    function = found if isinstance(found, type) else getattr(found, "__func__", found)
    if isinstance(function, type):
        function.__init__ = renamed(function.__init__)  # type: ignore[misc]
    else:
        setattr(owner, name, wrap(renamed(function)) if wrap else renamed(function))


def hide_attribute(kind: Any, name: str) -> None:
    if not isinstance(kind, type):  # an object that the module makes
        kind = type(kind)
        setattr(kind, name, Hidden(name, None))
    for base in kind.__mro__[:-1]:
        if name in stored(base):
            base.__init__ = renamed(base.__init__)
        if name in vars(base) and not isinstance(vars(base)[name], Hidden):
            setattr(base, name, Hidden(name, vars(base)[name]))


def stored(kind: type) -> Sequence[str]:
    code = getattr(vars(kind).get("__init__"), "__code__", None)
    return code.co_names if code is not None else ()


def renamed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever looks at its code learns nothing of it."""

    def other(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return other


class HidingModule(ModuleType):
    """Functions of the module itself find everything."""

    _hidden: set[str]

    def __getattribute__(self, name: str) -> Any:
        if name in ModuleType.__getattribute__(self, "_hidden") and is_ours():
            raise AttributeError(name)
        return ModuleType.__getattribute__(self, name)


class Finder(importlib.abc.MetaPathFinder):
    """Hides names once their module is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in HIDDEN:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def load(module: ModuleType) -> None:
                run(module)
                for hidden in HIDDEN[name]:
                    hide(module, hidden)

            spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


if HIDDEN:
    sys.meta_path.insert(0, Finder())

"""vLLM's processes, the engine core and its workers, started as this server's children."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from multiprocessing.context import BaseContext, SpawnContext

from latticework.engines.children import ChildContext
from latticework.engines.vllm.compat import CHILD_PROCESSES


def patch_children() -> None:
    """In this process, and in those that vLLM starts from now on."""
    for need in CHILD_PROCESSES.needs:
        name, _, attribute = need.partition(":")
        module = import_module(name)
        if not isinstance(getattr(module, attribute), _Contexts):
            setattr(module, attribute, _Contexts(getattr(module, attribute)))


class _Contexts:
    """Replaces `get_mp_context`. Where another start method is set than ours, the context is vLLM's."""

    def __init__(self, original: Callable[[], BaseContext]) -> None:
        self._original = original

    def __call__(self) -> BaseContext:
        context = self._original()
        return ChildContext(patch_children) if type(context) is SpawnContext else context

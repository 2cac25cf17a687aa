"""vLLM's private parts: all are in the vLLM that the tests run with, and each is missed where it is hidden."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import msgspec
import pytest
import vllm
from vllm.config import speculative
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.utils import cpu_triton_utils
from vllm.v1.engine import output_processor

from latticework.engines.vllm import VllmEngine, compat
from latticework.engines.vllm.compat import (
    DRAFTS,
    GRAMMARS,
    PATCHES,
    READY_EVENTS,
    STEP_OUTPUTS,
    WITH_DRAFTS,
    WITH_GRAMMARS,
)
from latticework.engines.vllm.compat.patch import Chosen, Patch, is_lacking

NEEDS = sorted({need for patch in PATCHES for need in patch.needs})
MODULES = sorted({need.partition(":")[0] for need in NEEDS})
MonkeyPatch = pytest.MonkeyPatch


def missing() -> set[str]:
    return {patch.name for patch in PATCHES if patch.missing() is not None}


def needing(*needs: str) -> set[str]:
    return {patch.name for patch in PATCHES if not set(needs).isdisjoint(patch.needs)}


def test_this_vllm_has_everything() -> None:
    assert missing() == set()
    assert all(vllm.__version__ in patch.versions for patch in PATCHES)


def test_each_has_a_name_of_its_own_and_says_what_it_is_for() -> None:
    assert len({patch.name for patch in PATCHES}) == len(PATCHES)
    assert all(patch.purpose.endswith(".") and not patch.without.endswith(".") for patch in PATCHES)


def test_the_documentation_lists_them() -> None:
    page = (Path(__file__).parents[5] / "docs" / "operations.md").read_text(encoding="utf-8").replace("`", "")
    rows = [f"| {patch.name} | {patch.without} |" for patch in PATCHES]
    assert [row for row in rows if row not in page] == []


class Owner:
    declared: int

    def __init__(self) -> None:
        self.set_here = 1

    def method(self, first: int, second: int) -> None: ...


class Heir(Owner):
    own = 1


@pytest.mark.parametrize(
    ("path", "lacking"),
    [
        ("Heir", False),
        ("Heir.own", False),
        ("Heir.declared", True),
        ("Heir.set_here", False),
        ("Heir.method", False),
        ("Heir.method(second, first)", False),
        ("function(a)", False),
        ("Nobody", True),
        ("Heir.other", True),
        ("Heir.own.other", True),
        ("Heir.method(third)", True),
        ("Heir.own(a)", True),
        ("function(a, b)", True),
    ],
)
def test_a_name_is_looked_up(path: str, lacking: bool, monkeypatch: MonkeyPatch) -> None:
    module: Any = ModuleType("elsewhere")
    module.Heir, module.function = Heir, lambda a: None
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    assert is_lacking(f"elsewhere:{path}") == lacking


def test_a_module_that_is_not_there_lacks_all() -> None:
    assert is_lacking("latticework.nowhere:Anything")


def parts(need: str) -> tuple[str, str, str]:
    """Module, class or function, and the attribute of a class."""
    module, _, path = need.partition(":")
    owner, _, name = path.partition("(")[0].partition(".")
    return module, owner, name


def without(need: str, monkeypatch: MonkeyPatch) -> None:
    """Hides one name: its class becomes another, which has the other names that are needed of it."""
    module, owner, name = parts(need)
    theirs = getattr(import_module(module), owner)
    others = {parts(other)[2] for other in NEEDS if parts(other)[:2] == (module, owner)} - {"", name}
    if not others:
        monkeypatch.delattr(import_module(module), owner)
        return
    members = {other: getattr(theirs, other, None) for other in others}
    if name:
        members["__init__"] = lambda self, output_kind=0, request_id=0: None
    monkeypatch.setattr(import_module(module), owner, type(owner, (), members))


@pytest.mark.parametrize("need", NEEDS)
def test_a_name_that_is_hidden_is_missed_where_it_is_needed(need: str, monkeypatch: MonkeyPatch) -> None:
    without(need, monkeypatch)
    chosen = Chosen(PATCHES)
    names = {patch.name for patch in chosen.missing}
    # Without its class, there is no queue to look at.
    assert names - needing(need) <= {READY_EVENTS.name}
    assert names >= needing(need)
    for patch, reason in chosen.missing.items():
        if need in patch.needs:
            assert need in reason
        assert chosen[patch] is patch.chosen() is patch.fallback
        assert need in patch.notice("0.99", reason) or need not in patch.needs


@pytest.mark.parametrize("need", [need for need in NEEDS if "(" in need and "." in need.partition(":")[2]])
def test_another_signature_is_another_interface(need: str, monkeypatch: MonkeyPatch) -> None:
    module, _, path = need.partition(":")
    *owners, name = path.partition("(")[0].split(".")
    owner = import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: None)
    assert missing() >= needing(need)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_hidden_is_missed_where_it_is_needed(module: str, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert missing() >= needing(*(need for need in NEEDS if need.partition(":")[0] == module))


def no_drafter_class(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(speculative, "SpeculativeMethod", Literal["ngram"])


def another_cpu_kernel(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_triton_utils, "_sample_recovered_tokens_kernel_impl", lambda inv_q, NO_DRAFT_PROBS: None)


def kernels_that_the_sampler_does_not_call(monkeypatch: MonkeyPatch) -> None:
    for platform in type(current_platform).mro():
        monkeypatch.delattr(platform, "register_triton_kernel_overrides", raising=False)


def no_kernels(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm.utils.cpu_triton_utils", None)


@pytest.mark.parametrize(
    "differs",
    [
        no_drafter_class,
        another_cpu_kernel,
        kernels_that_the_sampler_does_not_call,
        no_kernels,
    ],
)
def test_a_vllm_that_has_the_names_may_still_not_draft(
    differs: Callable[[MonkeyPatch], None], monkeypatch: MonkeyPatch
) -> None:
    differs(monkeypatch)
    assert missing() == {DRAFTS.name}


def test_an_installer_that_can_not_be_imported_is_missed(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "latticework.engines.vllm.compat.drafting", None)
    assert missing() == {GRAMMARS.name, DRAFTS.name}


class Extended(msgspec.Struct):
    request_id: str
    new_token_ids: list[int]
    finish_reason: int | None = None
    new_logprobs: int | None = None
    events: int | None = None
    kv_transfer_params: int | None = None
    something_new: int | None = None


def test_an_output_that_may_carry_something_unknown_is_left_to_vllm(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("vllm.v1.engine.EngineCoreOutput", Extended)
    assert missing() == {STEP_OUTPUTS.name}
    assert "something_new" in str(STEP_OUTPUTS.missing())


def test_only_an_event_is_replaced_by_one(monkeypatch: MonkeyPatch) -> None:
    def other(*args: Any) -> Any:
        return SimpleNamespace(ready=object())

    for need in READY_EVENTS.needs:
        owner, _, name = need.partition(":")[2].partition("(")[0].rpartition(".")
        if owner == "RequestOutputCollector":
            setattr(other, name, getattr(output_processor.RequestOutputCollector, name, None))
    other.put = output_processor.RequestOutputCollector.put  # type: ignore[attr-defined]
    monkeypatch.setattr(output_processor, "RequestOutputCollector", other)
    assert missing() == {READY_EVENTS.name}


def hide_all(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("latticework.engines.vllm.compat.patch.is_lacking", lambda need: True)


def names(notices: tuple[str, ...]) -> set[str]:
    return {notice.partition(":")[0] for notice in notices}


def test_an_engine_lists_what_it_does_without(monkeypatch: MonkeyPatch) -> None:
    complete = VllmEngine(AsyncEngineArgs(model="a"))
    assert complete.degraded == ()
    assert complete._args.scheduler_cls is not None
    hide_all(monkeypatch)
    everything = {patch.name for patch in PATCHES}
    useless = {patch.name for patch in (*WITH_DRAFTS, *WITH_GRAMMARS, DRAFTS)}
    engine = VllmEngine(AsyncEngineArgs(model="a"))
    assert names(engine.degraded) == everything - useless
    assert engine._args.scheduler_cls is None
    assert names(VllmEngine(AsyncEngineArgs(model="a"), drafts="off").degraded) == everything - useless
    assert f"vLLM {vllm.__version__} has no vllm." in engine.degraded[-1]


def test_what_nobody_wants_is_not_missed(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(Patch, "missing", lambda patch: None if patch is GRAMMARS else "differs")
    everything = {patch.name for patch in PATCHES} - {GRAMMARS.name, compat.TOKENIZER_CHECK.name}
    of_drafts = {patch.name for patch in WITH_DRAFTS}
    assert names(VllmEngine(AsyncEngineArgs(model="a")).degraded) == everything - of_drafts
    without = VllmEngine(AsyncEngineArgs(model="a"), drafts="off").degraded
    assert names(without) == everything - of_drafts - {DRAFTS.name}


def test_fallbacks_leave_vllm_as_it_is() -> None:
    fallbacks: Any = {patch.name: patch.fallback for patch in PATCHES}
    llm = SimpleNamespace(shutdown=lambda: "stopped")
    assert fallbacks["quick shutdown"](llm) == "stopped"
    assert fallbacks["step metrics"](llm)() is None
    made, registry = fallbacks["engine metrics"](lambda: llm)
    assert made is llm
    assert list(registry.collect()) == []
    for name in ("step outputs", "step socket", "ready events", "stopped answers", "draft polling", "token expansion"):
        assert fallbacks[name](llm) is None
    assert fallbacks["settings cache"]() is None

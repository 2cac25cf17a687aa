"""LoRA adapters of a vLLM engine: how they are named, loaded, and loaded again. Nothing is started here."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.lora.request import LoRARequest
from vllm.sampling_params import SamplingParams
from vllm.v1.core.kv_cache_utils import generate_block_hash_extra_keys
from vllm.v1.request import Request

from latticework.config import Config
from latticework.engines.base import Adapter, AdapterRefused, EngineDead, PromptRefused, Sampling
from latticework.engines.vllm import VllmEngine
from latticework.engines.vllm.adapters import VllmAdapters, parse_adapters
from latticework.engines.vllm.arguments import parse_engine_arguments
from latticework.options import InvalidSetting

ONE = {"name": "b", "path": "/b", "base_model_name": "m", "is_3d_lora_weight": True}
A, B = Adapter("a", "/a"), Adapter("b", "/b", "m", True)
# As vLLM's engine core words it.
NOT_FOUND = """Call to add_lora method failed: Worker failed with error 'Loading lora a failed: No adapter found for
 /a', please check the stack trace above for the root cause"""


class Llm:
    """vLLM, with folders of adapters."""

    def __init__(self, *paths: str) -> None:
        self.paths = set(paths)
        self.added: list[LoRARequest] = []

    async def add_lora(self, request: LoRARequest) -> bool:
        if request.lora_path not in self.paths:
            raise Exception(NOT_FOUND)
        self.added.append(request)
        return True


def test_both_of_vllms_forms_are_read() -> None:
    assert parse_adapters(["a=/a", json.dumps(ONE), json.dumps([{"name": "c", "path": "c=c"}])]) == [
        A,
        B,
        Adapter("c", "c=c"),
    ]


@pytest.mark.parametrize(
    "word", ["a", "a=", "=b", "{}", '{"name": "a"}', '{"name": "a", "path": "b", "c": 1}', "[1]", "{a"]
)
def test_other_forms_are_refused(word: str) -> None:
    with pytest.raises(InvalidSetting, match="--lora-modules"):
        parse_adapters([word])


def test_they_are_arguments_and_of_a_file() -> None:
    words = ("m", "--enable-lora", "--lora-modules", "a=/a", json.dumps(ONE), "--max-loras", "2")
    args, adapters = parse_engine_arguments(words, "latticework serve", dict)
    assert (args.model, args.enable_lora, args.max_loras, list(adapters)) == ("m", True, 2, [A, B])
    file = Config("a.toml", engines={"vllm": {"model": "m", "enable_lora": True, "lora_modules": ["a=/a"]}})
    assert list(parse_engine_arguments((), "latticework serve", dict, file).adapters) == [A]


def test_they_are_names_of_the_model() -> None:
    args = AsyncEngineArgs(model="m", served_model_name=["n", "o"], enable_lora=True)
    assert VllmEngine(args, adapters=[A, B]).model_ids == ("n", "o", "a", "b")
    assert VllmEngine(AsyncEngineArgs(model="m", enable_lora=True)).model_ids == ("m",)
    assert VllmEngine(AsyncEngineArgs(model="m")).adapters is None


@pytest.mark.parametrize(
    ("args", "adapters", "why"),
    [
        ({"enable_lora": True}, [A, A], "'a' is a name of the model, or of another adapter"),
        ({"enable_lora": True}, [Adapter("m", "/a")], "'m' is a name of the model"),
        ({}, [A], "needs --enable-lora"),
    ],
)
def test_names_that_are_taken_are_refused(args: dict[str, Any], adapters: list[Adapter], why: str) -> None:
    with pytest.raises(InvalidSetting, match=why):
        VllmEngine(AsyncEngineArgs(model="m", **args), adapters=adapters)


def test_one_that_can_not_be_loaded_ends_the_start_and_is_left_out_of_later_ones() -> None:
    async def run() -> None:
        llm = Llm("/b")
        with pytest.raises(EngineDead) as failed:
            await VllmAdapters([A, B], ("m",)).start(llm)
        assert str(failed.value) == "--lora-modules a=/a: Loading lora a failed: No adapter found for /a"
        adapters = VllmAdapters([B], ("m",))
        await adapters.start(llm)
        llm.paths.add("/a")
        await adapters.load(A)
        again = Llm("/b")
        await adapters.start(again)
        assert [request.lora_name for request in again.added] == ["b"]
        assert list(adapters.loaded) == ["b"]

    asyncio.run(run())


def test_they_are_loaded_in_place_and_removed() -> None:
    async def run() -> None:
        llm = Llm("/a", "/b", "/c")
        adapters = VllmAdapters([A, B], ("m",))
        await adapters.start(llm)
        assert [(one.lora_name, one.lora_int_id, one.lora_path) for one in llm.added] == [
            ("a", 1, "/a"),
            ("b", 2, "/b"),
        ]
        assert (llm.added[1].base_model_name, llm.added[1].is_3d_lora_weight) == ("m", True)
        await adapters.load(Adapter("a", "/c"))
        assert (llm.added[2].lora_int_id, llm.added[2].load_inplace, llm.added[2].lora_path) == (1, True, "/c")
        request = adapters.request("a")
        assert request is not None
        assert (request.lora_int_id, request.load_inplace, request.lora_path) == (1, False, "/c")
        with pytest.raises(AdapterRefused, match="No adapter found"):
            await adapters.load(Adapter("a", "/gone"))
        request = adapters.request("a")
        assert request is not None and request.lora_path == "/c"
        adapters.unload("a")
        assert list(adapters.loaded) == ["b"]
        with pytest.raises(KeyError):
            adapters.request("a")
        await adapters.load(A)
        assert llm.added[-1].lora_int_id == 3  # what the old number computed is another's

    asyncio.run(run())


def test_a_request_has_its_adapter_and_none_that_is_gone() -> None:
    async def run() -> None:
        engine: Any = VllmEngine(AsyncEngineArgs(model="m", enable_lora=True), adapters=[A])
        asked: list[Any] = []

        async def add_request(*args: Any, **options: Any) -> Any:
            asked.append(options["lora_request"])
            return SimpleNamespace(request_id="r", ready=None)

        engine._running = SimpleNamespace(add_request=add_request, add_lora=Llm("/a").add_lora)
        await engine.adapters.start(engine._running)
        for name in ("a", None):
            await engine._queue("r", [1], SamplingParams(), Sampling(9, adapter=name))
        assert [one and one.lora_name for one in asked] == ["a", None]
        engine.adapters.unload("a")
        with pytest.raises(PromptRefused, match="'a' has been unloaded") as refused:
            await engine._queue("r", [1], SamplingParams(), Sampling(9, adapter="a"))
        assert refused.value.param == "model"

    asyncio.run(run())


def test_vllms_prefix_cache_is_not_shared_between_them() -> None:
    def keys(adapter: LoRARequest | None) -> Any:
        request = Request("r", [1] * 32, SamplingParams(), None, lora_request=adapter)
        return generate_block_hash_extra_keys(request, 0, 16, 0)[0]

    of = [
        keys(None),
        *(keys(LoRARequest(name, number, path)) for name, number, path in (("a", 1, "/a"), ("b", 2, "/a"))),
    ]
    assert len({str(each) for each in of}) == 3
    assert keys(LoRARequest("a", 1, "/other")) != of[1]

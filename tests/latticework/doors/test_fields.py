"""No field of five servers' APIs is dropped: it is implemented, refused by name, or harmless."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from latticework import create_app
from latticework.doors.chat.request import ChatRequest
from latticework.doors.common.fields import DoorName, passes
from latticework.doors.common.objects import ApiObject
from latticework.doors.completions.request import CompletionRequest
from latticework.doors.openai import field_docs
from latticework.doors.openai.fields import HARMLESS, REFUSED, refused_by
from tests import described, shared
from tests.http import chat, send
from tests.scripted import ScriptedEngine, says

APP = create_app(ScriptedEngine(says("hi")))
REQUESTS: Mapping[DoorName, type[ApiObject]] = {"chat": ChatRequest, "completions": CompletionRequest}
DOORS: tuple[DoorName, ...] = ("chat", "completions")
# Not neutral for any row.
MEANT = {"a": ["meant"]}
# Read from the sources of SGLang and llama.cpp's server, and from Ollama's API, all of November 2026. Those that are
# also vLLM's or OpenAI's are not repeated.
SGLANG = """
    best_of return_hidden_states return_routed_experts routed_experts_start_len return_cached_tokens_details
    return_prompt_token_ids return_token_ids return_meta_info task regex ebnf json_schema stop_regex no_stop_trim
    lora_path session_id session_params separate_reasoning stream_reasoning reasoning max_dynamic_patch
    min_dynamic_patch use_audio_in_video images_config custom_logit_processor custom_params input_ids rid extra_key
    cache_salt ngram_corpus_id priority bootstrap_host bootstrap_port bootstrap_room routed_dp_rank
    disagg_prefill_dp_rank data_parallel_rank custom_labels
"""
LLAMA = """
    verbose timings_per_token cache_prompt return_tokens return_progress sse_ping_interval n_predict n_indent n_keep
    n_discard n_cmpl n_cache_reuse t_max_predict_ms response_fields top_n_sigma xtc_probability xtc_threshold typical_p
    dynatemp_range dynatemp_exponent repeat_last_n repeat_penalty dry_multiplier dry_base dry_allowed_length
    dry_penalty_last_n dry_sequence_breakers mirostat mirostat_tau mirostat_eta adaptive_target adaptive_decay n_probs
    min_keep backend_sampling post_sampling_probs lora json_schema grammar grammar_lazy grammar_triggers chat_format
    reasoning_format generation_prompt parse_tool_calls chat_parser continue_final_message echo preserved_tokens
    reasoning_control reasoning_budget_tokens reasoning_budget_start_tag reasoning_budget_end_tag
    reasoning_budget_end_tags reasoning_budget_message samplers id_slot
"""
OLLAMA = """
    format options keep_alive think reasoning num_predict tfs_z penalize_nl repeat_last_n mirostat _debug_render_only
"""


def openai_fields(name: str) -> set[str]:
    """Of an object in OpenAI's own document, with those of the objects that it extends."""
    definitions = json.loads(shared.path("openai_chat.json").read_text())["$defs"]

    def of(schema: Mapping[str, Any]) -> set[str]:
        if "$ref" in schema:
            return of(definitions[schema["$ref"].rpartition("/")[2]])
        return set(schema.get("properties", ())).union(*map(of, schema.get("allOf", ())))

    return of(definitions[name])


def vllm_fields(module: str, name: str) -> set[str]:
    """Of a request type of the installed vLLM, from its source: importing it takes many seconds."""
    package = find_spec("vllm")
    if package is None or package.origin is None:
        pytest.skip("needs vLLM")
    source = Path(package.origin).parent / "entrypoints" / "openai" / module / "protocol.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    fields = (node.target for node in found.body if isinstance(node, ast.AnnAssign))
    return {target.id for target in fields if isinstance(target, ast.Name) and not target.id.startswith("_")}


def undecided(fields: set[str], door: DoorName) -> set[str]:
    implemented = {field.alias or name for name, field in REQUESTS[door].model_fields.items()}
    return fields - implemented - refused_by(door).keys() - HARMLESS.keys()


def test_every_field_of_openai_is_decided() -> None:
    assert undecided(openai_fields("CreateChatCompletionRequest"), "chat") == set()
    assert undecided(openai_fields("CreateCompletionRequest"), "completions") == set()


def test_every_field_of_vllm_is_decided() -> None:
    assert undecided(vllm_fields("chat_completion", "ChatCompletionRequest"), "chat") == set()
    assert undecided(vllm_fields("completion", "CompletionRequest"), "completions") == set()


@pytest.mark.parametrize("fields", [SGLANG, LLAMA, OLLAMA], ids=["SGLang", "llama.cpp", "Ollama"])
def test_every_field_of_other_servers_is_decided(fields: str) -> None:
    for door in DOORS:
        assert undecided(set(fields.split()), door) - {"continue_final_message", "reasoning_format"} == set()


def test_every_field_of_a_chat_is_decided_for_completions() -> None:
    """One that is sent to the wrong door is not dropped."""
    assert undecided(set(ChatRequest.model_fields), "completions") <= {"modalities", "on_bad_tool"}
    assert undecided(set(CompletionRequest.model_fields), "chat") == set()


def test_a_field_has_one_fate() -> None:
    assert REFUSED.keys() & HARMLESS.keys() == set()
    for door in DOORS:
        assert REQUESTS[door].model_fields.keys() & (refused_by(door).keys() | HARMLESS.keys()) == set()
    assert field_docs.CHAT.keys() & HARMLESS.keys() == set()


def completion(**fields: Any) -> httpx.Response:
    body = {"model": "scripted", "prompt": "a", **fields}
    return send(APP, "POST", "/v1/completions", content=json.dumps(body))


def ask(door: DoorName, **fields: Any) -> httpx.Response:
    return chat(APP, **fields) if door == "chat" else completion(**fields)


REFUSALS = [(door, name) for door in DOORS for name in sorted(refused_by(door))]


@pytest.mark.parametrize(("door", "name"), REFUSALS, ids=[f"{door} {name}" for door, name in REFUSALS])
def test_a_refused_field_is_named(door: DoorName, name: str) -> None:
    """With its code; a value without effect is accepted. The document describes both."""
    response = ask(door, **{name: MEANT})
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, name, "unsupported_parameter")
    assert error["message"].startswith(f"'{name}' ")
    assert described.errors(REQUESTS[door].__name__, {"model": "m", "messages": [], "prompt": "a", name: MEANT})
    for neutral in REFUSED[name].neutral:
        assert ask(door, **{name: neutral}).status_code == 200


def test_true_and_one_are_not_the_same() -> None:
    assert passes(1.0, REFUSED["length_penalty"])
    assert not passes(True, REFUSED["length_penalty"])
    assert passes(0, REFUSED["mirostat"])
    assert not passes(0, REFUSED["use_beam_search"])


def test_harmless_fields_are_listed() -> None:
    for door in DOORS:
        response = ask(door, user="u", cache_prompt=True, wizardry=1)
        assert response.headers["x-latticework-ignored"] == "user, cache_prompt, wizardry"

"""Mistral's own tokenizers, against mistral_common: it encodes conversations in code, we do by a chat template."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from llguidance import LLMatcher

from latticework.engines.mistral import MistralTokenizer
from latticework.prompt import ChatTemplate
from tests.tekken import write_tekken
from turngrammar.formats import choose

pytest.importorskip("mistral_common")

FORMATS: Mapping[int, str] = {3: "mistral_v3", 7: "mistral_v3", 11: "mistral_v11", 13: "mistral_v11", 15: "mistral_v11"}
# SentencePiece models, as mistral_common ships them.
OLDER: Mapping[int, str] = {
    3: "mistral_instruct_tokenizer_240323.model.v3",
    7: "mistral_instruct_tokenizer_241114.model.v7",
}

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city — now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}


def said(role: str, content: str | None = None, **extra: Any) -> dict[str, Any]:
    return {"role": role, **({} if content is None else {"content": content}), **extra}


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(call_id: str, content: str, name: str = "get_weather") -> dict[str, Any]:
    return said("tool", content, tool_call_id=call_id, name=name)


OSLO = call("abcdefgh1", "get_weather", '{"city":"Oslo \\"x\\" é"}')
TIME = call("abcdefgh2", "clock", "{}")
ASK, MORE = said("user", "What's the weather in Oslo?\n  é 😀"), said("user", "And tomorrow?")
SYSTEM = said("system", "You are terse.")

CONVERSATIONS: Mapping[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "a question": ([ASK], []),
    "a system message": ([SYSTEM, ASK], []),
    "an answer": ([SYSTEM, ASK, said("assistant", "Rain."), MORE], []),
    "tools": ([ASK], [WEATHER]),
    "tools and a system message": ([SYSTEM, ASK, said("assistant", "Rain."), MORE], [WEATHER, CLOCK]),
    "a call and its result": (
        [SYSTEM, ASK, said("assistant", tool_calls=[OSLO]), result("abcdefgh1", "rain, 7 °C")],
        [WEATHER],
    ),
    "a result that is JSON": (
        [ASK, said("assistant", tool_calls=[OSLO]), result("abcdefgh1", '{"sky": "rain", "degrees": [7]}')],
        [WEATHER],
    ),
    "parallel calls, and on": (
        [
            ASK,
            said("assistant", tool_calls=[OSLO, TIME]),
            result("abcdefgh1", "rain"),
            result("abcdefgh2", "noon", "clock"),
            said("assistant", "Rain at noon."),
            MORE,
        ],
        [WEATHER, CLOCK],
    ),
    "text that looks like control tokens": ([said("user", "What is [ INST] or < /s> for?")], []),
}
# Version 3 has no text beside calls: mistral_common refuses it.
BESIDE = ([ASK, said("assistant", "I look.", tool_calls=[OSLO]), result("abcdefgh1", "rain")], [WEATHER])


@cache
def common(version: int, directory: Path) -> Any:
    return read(write_tekken(directory, version))


def read(file: Path) -> Any:
    from mistral_common.protocol.instruct.validator import ValidationMode
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer as Common

    return Common.from_file(str(file), mode=ValidationMode.test)


@pytest.fixture(scope="module", params=FORMATS)
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def theirs(version: int, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return common(version, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def ours(theirs: Any) -> MistralTokenizer:
    return MistralTokenizer(theirs.instruct_tokenizer.tokenizer, 8000, ends=[2, 4])


def template(ours: MistralTokenizer) -> ChatTemplate:
    assert ours.chat_template is not None
    return ChatTemplate(ours.chat_template, ours.named_tokens)


def encoded(ours: MistralTokenizer, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[int]:
    format, _ = choose(ours.chat_template or "", ours.special_tokens)
    return ours.encode(template(ours).render(messages, format=format, tools=tools))


def expected(theirs: Any, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[int]:
    from mistral_common.protocol.instruct.request import ChatCompletionRequest

    request = ChatCompletionRequest.from_openai(messages=messages, tools=tools or None)
    return list(theirs.encode_chat_completion(request).tokens)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_has_the_ids_that_mistral_common_gives_it(
    theirs: Any, ours: MistralTokenizer, name: str
) -> None:
    assert encoded(ours, *CONVERSATIONS[name]) == expected(theirs, *CONVERSATIONS[name])


def test_text_may_stand_beside_calls_from_version_7_on(theirs: Any, ours: MistralTokenizer, version: int) -> None:
    if version >= 7:
        assert encoded(ours, *BESIDE) == expected(theirs, *BESIDE)


def test_the_format_is_the_versions(ours: MistralTokenizer, version: int) -> None:
    format, why = choose(ours.chat_template or "", ours.special_tokens)
    assert format.name == FORMATS[version], why
    assert (format.reasoning is not None) == (version >= 13)


def test_the_template_loses_nothing(ours: MistralTokenizer) -> None:
    capabilities = template(ours).capabilities
    assert capabilities.calls is not None
    assert capabilities.calls.arguments == "object"
    assert capabilities.calls.parallel
    assert capabilities.tool_role


def test_thoughts_are_between_their_tokens(ours: MistralTokenizer, version: int) -> None:
    messages = [ASK, said("assistant", "Rain.", reasoning_content="It is autumn."), MORE]
    ids = encoded(ours, messages, [])
    assert (34 in ids and 35 in ids) == (version >= 13)


def test_another_process_matches_as_the_tokenizer_encodes(theirs: Any, ours: MistralTokenizer) -> None:
    vocabulary = pickle.loads(pickle.dumps(ours.vocabulary))
    matchable = vocabulary.matchable
    assert (matchable.vocab_size, matchable.eos_token) == (8000, 2)
    for text in ("Hello, Zürich! 😀\n\n\t 12345", '{"city": "Oslo"}', "", "x" * 500):
        assert matchable.tokenize_str(text) == ours.encode(text)
        assert matchable.decode_bytes(ours.encode(text)) == text.encode()
    assert all(matchable.is_special_token(token_id) for token_id in ours.special_tokens.values())
    assert vocabulary.trial('start: <[9]> "[{"').opening[0] == 9
    assert not LLMatcher(matchable, "start: /(.|\\n)*/").try_consume_tokens([9])


def test_each_token_has_its_bytes(theirs: Any, ours: MistralTokenizer) -> None:
    tekken = theirs.instruct_tokenizer.tokenizer
    assert ours.vocabulary_size == 8000
    assert ours.token_bytes[9] == b"[TOOL_CALLS]"
    # 0xFF, which is in no text, is how llguidance marks special tokens.
    assert list(ours.token_bytes[1256:7000]) == [tekken.id_to_byte_piece(token_id) for token_id in range(1256, 7000)]


@pytest.mark.parametrize("version", OLDER)
def test_those_of_sentencepiece_likewise(version: int) -> None:
    theirs = read(Path(str(files("mistral_common"))) / "data" / OLDER[version])
    ours = MistralTokenizer(theirs.instruct_tokenizer.tokenizer, 33_000)
    for conversation in CONVERSATIONS.values():
        assert encoded(ours, *conversation) == expected(theirs, *conversation)
    vocabulary = pickle.loads(pickle.dumps(ours.vocabulary))
    matchable = vocabulary.matchable
    assert (matchable.vocab_size, matchable.eos_token) == (33_000, 2)
    for text in ('{"city": "Oslo"}', "Zürich 😀\n\n\t  12345"):
        ids = matchable.tokenize_str(text)
        assert matchable.decode_bytes(ids) == text.encode()
        assert ids[1:] == ours.encode(text)[1:]  # where a text begins, it puts a blank
    assert matchable.is_special_token(ours.special_tokens["[TOOL_CALLS]"])
    assert not matchable.is_special_token(ours.encode("{")[0])


def test_its_ends_are_its_own_and_those_of_the_generation_config(ours: MistralTokenizer) -> None:
    assert ours.ends == (2, 4)
    assert ours.named_tokens == {"bos_token": "<s>", "eos_token": "</s>"}


TEXT = "Hello, Zürich! 😀\n 12345"


def test_texts_are_encoded_and_decoded_as_transformers_does(
    tmp_path: Path, version: int, ours: MistralTokenizer
) -> None:
    from transformers.tokenization_mistral_common import MistralCommonBackend

    original = MistralCommonBackend(tokenizer_path=write_tekken(tmp_path, version), mode="test")
    for special in (False, True):
        ids = ours.encode(TEXT, special)
        # transformers adds EOS too, which vLLM's own wrapper leaves out: a prompt goes on.
        assert ids == original.encode(TEXT, add_special_tokens=special)[: len(ids)]
        assert (ids[0] == 1) == special
        assert ours.decode(ids) == original.decode(ids)
        assert ours.token_strings(ids) == original.convert_ids_to_tokens(ids)
    assert ours.decode([9, 7999]) == "[TOOL_CALLS]"
    assert ours.token_strings([9, 7999]) == ["[TOOL_CALLS]", ""]

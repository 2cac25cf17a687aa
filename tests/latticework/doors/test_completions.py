"""`/v1/completions` over a scripted engine: prompts of every form, echo, log probabilities, streams, errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from latticework import Settings, create_app
from latticework.engines.base import Piece, SampledToken, Sampling, TokenLogprob
from tests.http import events, send
from tests.scripted import Script, ScriptedEngine, says

PATH = "/v1/completions"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
AS_NO_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": 1}}}


def complete(engine: ScriptedEngine, **fields: Any) -> Any:
    response = send(create_app(engine), "POST", PATH, json={"model": "scripted", **fields})
    assert response.status_code == 200, response.text
    return response.json()


def refused(**fields: Any) -> Any:
    response = send(create_app(ScriptedEngine(says("x"))), "POST", PATH, json={"model": "scripted", **fields})
    assert response.status_code == 400, response.text
    return response.json()["error"]


def spells(*letters: str) -> Script:
    """One token a letter, each with its log probability and one alternative, where they are requested."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        of_prompt = tuple(None if place == 0 else token(chr(byte)) for place, byte in enumerate(prompt))
        for place, letter in enumerate(letters):
            yield Piece(
                letter,
                (ord(letter),),
                (token(letter),) if sampling.logprobs is not None else (),
                finish="stop" if place == len(letters) - 1 else None,
                prompt_logprobs=of_prompt if sampling.prompt_logprobs is not None and not place else (),
            )

    return script


def token(letter: str) -> SampledToken:
    return SampledToken(letter, -0.5, (ord(letter),), (TokenLogprob("?", -1.5, (63,)),))


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("hi", ["\x01hi"]),
        (["hi", "yo"], ["\x01hi", "\x01yo"]),
        ([104, 105], ["hi"]),
        ([[104], [105, 106]], ["h", "ij"]),
    ],
)
def test_a_prompt_of_any_form_is_continued_as_it_is(prompt: Any, prompts: list[str]) -> None:
    engine = ScriptedEngine(says("Hel", "lo"))
    body = complete(engine, prompt=prompt)
    assert engine.prompts == prompts
    assert [(choice["index"], choice["text"], choice["finish_reason"]) for choice in body["choices"]] == [
        (index, "Hello", "stop") for index in range(len(prompts))
    ]
    assert body["object"] == "text_completion"
    assert body["id"].startswith("cmpl-")
    assert body["usage"]["prompt_tokens"] == sum(map(len, prompts))


def test_the_tokenizers_own_tokens_can_be_left_out() -> None:
    engine = ScriptedEngine(says("x"))
    complete(engine, prompt="hi", add_special_tokens=False)
    assert engine.prompts == ["hi"]


def test_a_text_may_be_empty_where_the_tokenizer_begins_it() -> None:
    engine = ScriptedEngine(says("x"))
    complete(engine, prompt="")
    complete(engine, prompt=["", "a"])
    assert engine.prompts == ["\x01", "\x01", "\x01a"]


def test_choices_are_numbered_by_prompt_and_then_by_n() -> None:
    engine = ScriptedEngine(says("x"))
    body = complete(engine, prompt=["a", "b"], n=3, seed=5, echo=True)
    assert [choice["text"][0] for choice in body["choices"]] == list("aaabbb")
    assert [choice["index"] for choice in body["choices"]] == list(range(6))
    assert sorted(sampling.seed or 0 for sampling in engine.asked) == [5, 5, 6, 6, 7, 7]
    assert body["usage"]["prompt_tokens"] == 4, "a prompt counts once"


def test_sixteen_tokens_by_default() -> None:
    engine = ScriptedEngine(says("x"))
    complete(engine, prompt="hi")
    assert engine.asked[0].max_tokens == 16


def test_special_tokens_are_left_out_of_the_text_unless_requested() -> None:
    engine = ScriptedEngine(says("x"))
    complete(engine, prompt="hi")
    complete(engine, prompt="hi", skip_special_tokens=False)
    assert [sampling.special_tokens for sampling in engine.asked] == [False, True]


def test_log_probabilities_are_four_lists() -> None:
    (choice,) = complete(ScriptedEngine(spells("a", "b")), prompt="hi", logprobs=1)["choices"]
    assert choice["logprobs"] == {
        "text_offset": [0, 1],
        "token_logprobs": [-0.5, -0.5],
        "tokens": ["a", "b"],
        "top_logprobs": [{"?": -1.5, "a": -0.5}, {"?": -1.5, "b": -0.5}],
    }


def test_an_echoed_prompt_has_log_probabilities_but_for_its_first_token() -> None:
    body = complete(ScriptedEngine(spells("a")), prompt=[104, 105], logprobs=1, echo=True, max_tokens=1)
    (choice,) = body["choices"]
    assert choice["text"] == "hia"
    assert choice["logprobs"]["tokens"] == ["h", "i", "a"]
    assert choice["logprobs"]["token_logprobs"] == [None, -0.5, -0.5]
    assert choice["logprobs"]["top_logprobs"][0] is None
    assert choice["logprobs"]["text_offset"] == [0, 1, 2]


TEXT = "é😀?é".encode()
SPLIT = [TEXT[:1], TEXT[1:2], TEXT[2:4], TEXT[4:5], TEXT[5:7], TEXT[7:8], TEXT[8:]]


def of_bytes(*tokens: bytes, prompt: Sequence[bytes] = ()) -> Script:
    """Tokens that are parts of characters; likelier than each is another part of one."""

    def sampled(part: bytes) -> SampledToken:
        likelier = TokenLogprob("\ufffd", -0.1, (0xE2,))
        own = TokenLogprob(part.decode(errors="replace"), -2.0, tuple(part))
        return SampledToken(own.token, own.logprob, own.bytes, (likelier, own))

    async def script(ids: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        first, *others = [None if place == 0 else sampled(part) for place, part in enumerate(prompt)] or [None]
        of_prompt = (first, *others) if sampling.prompt_logprobs is not None else ()
        text, ids = b"".join(tokens).decode(errors="replace"), range(len(tokens))
        yield Piece(text, tuple(ids), tuple(map(sampled, tokens)), finish="length", prompt_logprobs=of_prompt)

    return script


def test_a_character_of_several_tokens_is_the_last_ones() -> None:
    (choice,) = complete(ScriptedEngine(of_bytes(*SPLIT)), prompt="hi", logprobs=2, max_tokens=7)["choices"]
    assert choice["text"] == TEXT.decode()
    assert choice["logprobs"]["tokens"] == ["", "é", "", "", "😀?", "", "é"]
    assert choice["logprobs"]["text_offset"] == [0, 0, 1, 1, 1, 3, 3]


def test_a_token_is_the_greedy_one_only_if_no_other_of_its_text_is_likelier() -> None:
    """As lm-eval decides it: by the largest of the alternatives, which have their texts for keys."""
    (choice,) = complete(ScriptedEngine(of_bytes(TEXT[:1], b"?")), prompt="hi", logprobs=2, max_tokens=2)["choices"]
    parts, whole = choice["logprobs"]["top_logprobs"]
    assert parts == {"": -0.1}
    assert whole == {"\ufffd": -0.1, "\ufffd?": -2.0}


@pytest.mark.parametrize(
    ("text", "tokens", "offsets"),
    [
        ("é😀?é", SPLIT[1:], [0, 1, 1, 1, 3, 3]),
        ("?é", [b"<s>", b"?", b"\xc3", b"\xa9"], [0, 0, 1, 1]),
        ("?é", [b"<s>", b" ?", b"\xc3\xa9"], [0, 0, 1]),
    ],
    ids=["parts of characters", "a token that is not in the text", "a blank before the text"],
)
def test_the_offsets_of_an_echoed_prompt_are_those_of_its_text(
    text: str, tokens: list[bytes], offsets: list[int]
) -> None:
    engine = ScriptedEngine(of_bytes(b"!", prompt=tokens))
    (choice,) = complete(engine, prompt=text, echo=True, logprobs=1, max_tokens=1)["choices"]
    assert choice["text"] == text + "!"
    assert choice["logprobs"]["text_offset"] == [*offsets, len(text)]


def test_an_echo_without_an_answer() -> None:
    body = complete(ScriptedEngine(spells("a")), prompt=[104, 105], logprobs=1, echo=True, max_tokens=0)
    (choice,) = body["choices"]
    assert choice["text"] == "hi"
    assert choice["logprobs"]["tokens"] == ["h", "i"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"echo": True},
        {"logprobs": 1},
        {"echo": True, "logprobs": 1},
        {"echo": True, "max_tokens": 0},
        {"n": 2},
        {"stop": "b"},
    ],
)
def test_the_whole_is_the_fold_of_the_stream(fields: dict[str, Any]) -> None:
    whole = complete(ScriptedEngine(spells("a", "b", "c")), prompt=[104, 105], **fields)
    app = create_app(ScriptedEngine(spells("a", "b", "c")))
    asked = {"model": "scripted", "prompt": [104, 105], **fields, "stream": True}
    *chunks, usage, done = events(send(app, "POST", PATH, json={**asked, "stream_options": {"include_usage": True}}))
    assert done == "[DONE]"
    assert usage["choices"] == []
    if "stop" not in fields:  # how far the engine has come by then is up to its speed
        assert usage["usage"] == whole["usage"]
    for index, choice in enumerate(whole["choices"]):
        pieces = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == index]
        assert "".join(piece["text"] for piece in pieces) == choice["text"]
        assert pieces[-1]["finish_reason"] == choice["finish_reason"]
        parts = [piece["logprobs"] for piece in pieces if piece["logprobs"]]
        for name, entries in (choice["logprobs"] or {}).items():
            assert [entry for part in parts for entry in part[name]] == entries


def test_a_document_is_constrained_and_checked() -> None:
    engine = ScriptedEngine(says('{"n": 4}'))
    body = complete(engine, prompt="A number:", response_format=AS_SCHEMA, stop="4")
    assert body["choices"][0]["text"] == '{"n": 4}'
    assert engine.asked[0].grammar
    response = send(
        create_app(ScriptedEngine(says('{"n": "x"}'))),
        "POST",
        PATH,
        json={"model": "scripted", "prompt": "A number:", "response_format": AS_SCHEMA},
    )
    assert response.json()["error"]["code"] == "invalid_output"


def test_structured_outputs() -> None:
    engine = ScriptedEngine(says("yes"))
    complete(engine, prompt="Sure?", structured_outputs={"choice": ["yes", "no"]})
    assert "yes" in (engine.asked[0].grammar or "")


def test_a_stop_string_ends_the_text() -> None:
    assert complete(ScriptedEngine(spells("a", "b", "c")), prompt="hi", stop=["b"])["choices"][0]["text"] == "a"


def test_more_answers_than_the_server_generates_at_once() -> None:
    app = create_app(ScriptedEngine(says("x"), max_running=1), settings=Settings(max_queue=1))
    error = send(app, "POST", PATH, json={"model": "scripted", "prompt": ["a", "b", "c"]}).json()["error"]
    assert "fewer prompts" in error["message"]


def test_the_checked_keywords_of_several_prompts_are_listed_once() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "array", "uniqueItems": True}}, "required": ["n"]}
    fields = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    body = {"model": "scripted", "prompt": ["a", "b"], **fields}
    response = send(create_app(ScriptedEngine(says('{"n": []}'))), "POST", PATH, json=body)
    assert response.headers["x-latticework-checked"].count("uniqueItems") == 1


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no prompt": ({}, "prompt"),
    "an empty list": ({"prompt": []}, "prompt"),
    "an empty text": ({"prompt": "", "add_special_tokens": False}, "prompt"),
    "an empty text among others": ({"prompt": ["a", ""], "add_special_tokens": False}, "prompt"),
    "an empty list of ids": ({"prompt": [[104], []]}, "prompt"),
    "null": ({"prompt": None}, "prompt"),
    "an object": ({"prompt": {"text": "a"}}, "prompt"),
    "an id among texts": ({"prompt": ["a", "b", 5]}, "prompt[2]"),
    "a text among ids": ({"prompt": [104, "a"]}, "prompt[1]"),
    "a text among lists": ({"prompt": [[104], "a"]}, "prompt[1]"),
    "lists within lists": ({"prompt": [[104], [[105]]]}, "prompt[1][0]"),
    "a boolean for an id": ({"prompt": [True]}, "prompt[0]"),
    "a fraction for an id": ({"prompt": [1.0]}, "prompt[0]"),
    "a negative id": ({"prompt": [104, -1]}, "prompt[1]"),
    "an id beyond int64": ({"prompt": [[104], [2**63]]}, "prompt[1][0]"),
    "an id of 4000 digits": ({"prompt": [10**4000]}, "prompt[0]"),
    "a number": ({"prompt": 7}, "prompt"),
    "an unknown token": ({"prompt": [300]}, "prompt"),
    "a suffix": ({"prompt": "a", "suffix": "b"}, "suffix"),
    "best of more": ({"prompt": "a", "best_of": 2}, "best_of"),
    "no tokens": ({"prompt": "a", "max_tokens": 0}, "max_tokens"),
    "too many alternatives": ({"prompt": "a", "logprobs": 21}, "logprobs"),
    "boolean logprobs": ({"prompt": "a", "logprobs": True}, "logprobs"),
    "stream options alone": ({"prompt": "a", "stream_options": {}}, "stream_options"),
    "tools": ({"prompt": "a", "tools": [{}]}, "tools"),
    "embeddings": ({"prompt": "a", "prompt_embeds": "x"}, "prompt_embeds"),
    "two constraints": ({"prompt": "a", "structured_outputs": {"regex": "a", "choice": ["a"]}}, "structured_outputs"),
    "a schema that is none": (
        {
            "prompt": "a",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": 1}}},
        },
        "response_format.json_schema.schema.type",
    ),
}


@pytest.mark.parametrize(("fields", "param"), WRONG.values(), ids=WRONG)
def test_the_error_names_the_parameter(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert error["param"] == param
    assert len(error["message"]) < 1000
    assert param.split(".")[0].split("[")[0] in error["message"] or "schema" in error["message"].lower()


def test_unknown_fields_are_named() -> None:
    app = create_app(ScriptedEngine(says("x")))
    response = send(app, "POST", PATH, json={"model": "scripted", "prompt": "a", "wizardry": 1})
    assert response.headers["x-latticework-ignored"] == "wizardry"


def test_a_key_is_needed_where_there_are_keys() -> None:
    app = create_app(ScriptedEngine(says("x")), settings=Settings(api_keys=("k",)))
    assert send(app, "POST", PATH, json={"model": "scripted", "prompt": "a"}).status_code == 401

"""Free text before a document or calls: its text is reasoning whatever it says, and the answer behind it is locked."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from latticework import Settings, create_app
from latticework.engines.base import EngineFailed, Piece, Sampling
from latticework.turn.draft import MOST_JOINING
from tests.free import free_engine
from tests.http import USER, chat, events
from tests.latticework.generate.test_generation import (
    AS_SCHEMA,
    AS_UNIQUE,
    CALLED,
    SCHEMA,
    THOUGHTS,
    TOOLS,
    TURNS,
    Thinking,
    allowed,
    both,
    engine,
    expected,
    thinks,
)
from tests.scripted import ByteTokenizer, MarkedTokenizer, Script

# A draft that looks like all that has a meaning in an answer.
MARKUP = f'So: {CALLED}<|im_end|>\n<think>no</think> {{"n": 2}} STOP'
DOCUMENT: dict[str, Any] = {"response_format": AS_SCHEMA}
LOCKED = [turn for turn in TURNS if turn != "free text"]
CHOICE: tuple[dict[str, Any], str] = ({"structured_outputs": {"choice": ["yes", "no"]}}, "no")


def drafts(draft: str, *answers: str, size: int = 1) -> Script:
    """Writes the draft where it has no grammar, and these answers in turn where it has one."""
    left = list(answers)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        text = draft if sampling.grammar is None else left[0] if len(left) == 1 else left.pop(0)
        written = list(text.encode())
        assert sampling.grammar is None or sampling.begun or allowed(sampling.grammar, written)
        size_here = 1 if sampling.single else size
        for start in range(0, min(len(written), sampling.max_tokens), size_here):
            ids = written[start : min(start + size_here, sampling.max_tokens)]
            cut = start + len(ids) == sampling.max_tokens
            yield Piece(bytes(ids).decode(errors="ignore"), tuple(ids), finish="length" if cut else None)
            if cut:
                return
        yield Piece("", (0,), finish="stop")

    return script


@pytest.mark.parametrize(("tokens", "size"), [(1, 1), (9, 3), (len(MARKUP), 1), (1000, 1000)])
@pytest.mark.parametrize("turn", [*LOCKED, "choice"])
def test_a_draft_is_reasoning_and_the_answer_has_its_grammar_from_the_beginning(
    turn: str, size: int, tokens: int
) -> None:
    fields, answer = CHOICE if turn == "choice" else TURNS[turn]
    served = engine(drafts(MARKUP, answer, size=size), ByteTokenizer)
    answered = both(served, **fields, draft_tokens=tokens, stop=["STOP"], max_tokens=2000)
    usage = answered.pop("usage")
    assert answered == expected(answer, MARKUP[:tokens])
    spent = min(tokens, len(MARKUP) + 1)  # and the token that ends it
    assert usage["completion_tokens_details"] == {"reasoning_tokens": spent}
    assert usage["completion_tokens"] == spent + len(answer) + 1
    first, second = served.asked[:2]
    assert (first.grammar, first.max_tokens) == (None, tokens)
    assert second.max_tokens == 2000 - spent
    assert served.prompts[1] == f"{served.prompts[0]}{MARKUP[:tokens]}\n\n"


@pytest.mark.parametrize(
    ("draft", "joint"), [("", ""), ("a", "\n\n"), ("a\n", "\n"), ("a\n\n", ""), ("a\n\n\n", ""), ("\n", "\n")]
)
def test_an_empty_line_is_between_draft_and_answer(draft: str, joint: str) -> None:
    served = engine(drafts(draft, '{"n": 1}'), ByteTokenizer)
    assert both(served, **DOCUMENT, draft_tokens=50)["reasoning"] == draft
    assert served.prompts[1] == served.prompts[0] + draft + joint


def test_markup_ends_a_draft_and_is_no_part_of_it() -> None:
    """As a token: a model that would call at once does so under the grammar."""
    served = engine(drafts("Rain.\x03{}", "It rains."), MarkedTokenizer)
    answered = chat(create_app(served), tools=TOOLS, draft_tokens=50).json()
    assert answered["choices"][0]["message"]["reasoning"] == "Rain."
    assert served.prompts[1] == served.prompts[0] + "Rain.\n\n"
    assert served.open == 0


def test_stop_strings_cut_the_text_behind_a_draft_only() -> None:
    served = engine(drafts("STOP it", "It is STOP 1."), ByteTokenizer)
    answered = both(served, tools=TOOLS, draft_tokens=50, stop="STOP")
    assert (answered["reasoning"], answered["content"], answered["finish"]) == ("STOP it", "It is ", "stop")


@pytest.mark.parametrize("truncation", ["close", "complete"])
def test_an_answer_that_is_cut_behind_its_draft_is_completed(truncation: str) -> None:
    served = engine(drafts("Hm.", '{"n": 123456789}'), ByteTokenizer)
    answered = both(served, **DOCUMENT, draft_tokens=3, max_tokens=13, truncation=truncation)
    assert (answered["reasoning"], answered["content"]) == ("Hm.", '{"n": 123}')
    assert answered["finish"] == {"close": "length", "complete": "stop"}[truncation]
    assert answered["usage"]["completion_tokens"] == 13


def test_each_choice_and_each_attempt_has_a_draft_of_its_own() -> None:
    served = engine(drafts("Let me.", '["a", "a"]', '["b", "c"]'), ByteTokenizer)
    app = create_app(served, settings=Settings(attempts=3))
    body = chat(app, response_format=AS_UNIQUE, draft_tokens=3, seed=1, temperature=0).json()
    assert body["choices"][0]["message"]["content"] == '["b", "c"]'
    assert [(asked.seed, asked.grammar is None) for asked in served.asked] == [
        (1, True), (1, False), (2, True), (2, False),
    ]  # fmt: skip
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 6}
    served = engine(drafts("Let me.", '{"n": 1}'), ByteTokenizer)
    body = chat(create_app(served), **DOCUMENT, n=2, seed=5, draft_tokens=3).json()
    assert [choice["message"]["reasoning"] for choice in body["choices"]] == ["Let", "Let"]
    assert sorted(asked.seed or 0 for asked in served.asked) == [5, 5, 6, 6]


def test_tokens_of_a_draft_are_listed_with_those_of_the_answer() -> None:
    app = create_app(free_engine())
    body = chat(app, **DOCUMENT, draft_tokens=7, seed=3, logprobs=True, return_token_ids=True, max_tokens=500).json()
    (choice,) = body["choices"]
    listed = choice["logprobs"]["content"]
    assert len(listed) == len(choice["token_ids"]) == body["usage"]["completion_tokens"]
    draft = bytes(choice["token_ids"][:7]).decode(errors="ignore")
    assert draft.startswith(choice["message"]["reasoning"])


def test_an_engine_that_fails_behind_a_draft_never_looks_finished() -> None:
    async def failing(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        if sampling.grammar is not None:
            raise EngineFailed("gone")
        yield Piece("a", (97,), finish="stop")

    app = create_app(engine(failing, ByteTokenizer))
    *chunks, last = events(chat(app, **DOCUMENT, draft_tokens=3, stream=True))
    assert "gone" in str(chunks[-1] if last == "[DONE]" else last)
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks if "choices" in chunk)


# What a request excludes a draft by, words of the error, and the answer without a draft.
EXCLUDED: list[tuple[dict[str, Any], str, str]] = [
    ({**DOCUMENT, "max_tokens": 30}, "'max_tokens' is 30", '{"n": 1}'),
    ({**DOCUMENT, "max_completion_tokens": 29}, "'max_completion_tokens' is 29", '{"n": 1}'),
    ({**DOCUMENT, "max_reasoning_tokens": 31}, "'max_reasoning_tokens' is 31", '{"n": 1}'),
    ({**DOCUMENT, "thinking_token_budget": 29}, "'thinking_token_budget' is 29", '{"n": 1}'),
    ({**DOCUMENT, "reasoning_effort": "none"}, "'reasoning_effort' is 'none'", '{"n": 1}'),
    ({**DOCUMENT, "messages": [USER, {"role": "assistant", "content": "{"}], "continue_final_message": True},
     "continues a message", '"n": 1}'),
    ({}, "'response_format' or 'tools'", "It is 1."),
    ({"tools": TOOLS, "tool_choice": "none"}, "'response_format' or 'tools'", "It is 1."),
    ({"tools": TOOLS, "tool_format": "functionary_v32"}, "the format 'functionary_v32'", "all\nIt is 1."),
    ({"tools": TOOLS, "tool_choice": "required", "max_tokens": 80}, "leaves 50 tokens of 80 for the answer", CALLED),
    ({**DOCUMENT, "truncation": "close", "max_tokens": 31}, "leaves 1 tokens of 31 for the answer", '{"n": 1}'),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "words", "answer"), EXCLUDED)
def test_a_draft_that_the_request_excludes_is_refused_and_the_servers_is_left_out(
    fields: dict[str, Any], words: str, answer: str
) -> None:
    script = drafts("A draft.", answer)
    refused = chat(create_app(engine(script, ByteTokenizer)), **fields, draft_tokens=30)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["param"] == "draft_tokens"
    assert error["message"].startswith("'draft_tokens' ")
    assert words in error["message"]

    served = engine(script, ByteTokenizer)
    response = chat(create_app(served, settings=Settings(draft_tokens=30)), **fields)
    assert response.status_code == 200
    assert len(served.asked) == 1


@pytest.mark.parametrize("left", [-1, 0])
def test_the_context_must_have_room_for_the_draft_and_the_shortest_answer(left: int) -> None:
    fields, answer = CHOICE
    served = engine(drafts("Hm.", answer), ByteTokenizer)
    chat(create_app(served), **fields, draft_tokens=5)
    context = len(served.prompts[0]) + 5 + MOST_JOINING + len(answer) + left
    app = create_app(engine(drafts("Hm.", answer), ByteTokenizer, max_model_len=context))
    assert (chat(app, **fields, draft_tokens=5).status_code == 400) == (left < 0)


def test_the_server_may_have_a_draft_for_all_requests_without_one() -> None:
    served = engine(drafts("A draft.", '{"n": 1}'), ByteTokenizer)
    app = create_app(served, settings=Settings(draft_tokens=4))
    assert [
        chat(app, **DOCUMENT, **fields).json()["choices"][0]["message"]["reasoning"]
        for fields in ({}, {"draft_tokens": None}, {"draft_tokens": 2})
    ] == ["A dr", "A dr", "A "]


@pytest.mark.parametrize("fields", [{"draft_tokens": 9}, {"draft_tokens": 9, "max_reasoning_tokens": 9}])
def test_a_model_with_marks_drafts_within_its_own(fields: dict[str, Any]) -> None:
    served = engine(thinks('{"n": 1}'), Thinking)
    answered = both(served, **DOCUMENT, **fields)
    same = both(engine(thinks('{"n": 1}'), Thinking), **DOCUMENT, max_reasoning_tokens=9)
    assert answered == same
    assert answered["reasoning"] == THOUGHTS[:9]


def test_every_answer_behind_a_draft_fits_its_schema() -> None:
    """Of random drafts and answers: whole, or cut where it says so."""
    app = create_app(free_engine())
    fits = Draft202012Validator(SCHEMA).is_valid
    ends = set()
    for seed in range(60):
        body = chat(app, **DOCUMENT, draft_tokens=20, seed=seed, max_tokens=60, truncation="close").json()
        (choice,) = body["choices"]
        ends.add(choice["finish_reason"])
        assert fits(json.loads(choice["message"]["content"]))
        assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] <= 20
    assert "stop" in ends

"""Drafts over real grammars, with a tokenizer whose tokens are bytes and with one that has longer ones."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import cast

import pytest
from llguidance import LLMatcher, LLTokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from latticework.engines.drafts import CERTAIN, MOST_CONTEXT, CopySource, Draft, Drafter
from latticework.engines.worth import Chances
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.turn import JsonContent, Tool, ToolChoice, Turn

BYTES = LLTokenizer("byte")
SCHEMA = {
    "type": "object",
    "properties": {
        "vendor": {"type": "string"},
        "currency": {"enum": ["EUR", "USD"]},
        "total": {"type": "number"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
    "required": ["vendor", "currency", "total", "items"],
    "additionalProperties": False,
}
DOCUMENT = '{"vendor": "Acme Corporation", "currency": "USD", "total": 12.5, "items": [{"name": "Acme pen"}]}'
PROMPT = "An invoice of Acme Corporation over 12.5 USD for one Acme pen."
WEATHER = Tool("get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'

TURNS = {
    "document": (Turn(FORMATS["hermes"], content=JsonContent(SCHEMA)), DOCUMENT),
    "call": (Turn(FORMATS["hermes"], (WEATHER,), ToolChoice("required", most=1)), CALL),
}


def grammar(turn: Turn) -> str:
    compiled = compile_turn(turn).grammar
    assert compiled
    return compiled


def everywhere(
    turn: Turn, answer: str, prompt: str = PROMPT, **chances: float
) -> list[tuple[LLMatcher, CopySource, Draft]]:
    """The draft at each place of the answer, with the matcher and the text as they stand there."""
    drafter, drafts = Drafter(BYTES), []
    tokens = BYTES.tokenize_str(answer)
    for place in range(len(tokens) + 1):
        matcher = LLMatcher(BYTES, grammar(turn))
        assert matcher.try_consume_tokens(tokens[:place]) == place
        text = drafter.text(BYTES.tokenize_str(prompt) + tokens[:place])
        drafts.append((matcher, text, drafter.likely(matcher, text, 16, Chances(), chances.get("least", 0.05))))
    return drafts


@pytest.mark.parametrize("name", TURNS)
def test_a_draft_is_allowed_and_leaves_no_trace(name: str) -> None:
    for place, (matcher, text, draft) in enumerate(everywhere(*TURNS[name])):
        assert len(text) == len(PROMPT) + place
        fed = [token for token in draft.token_ids if token != BYTES.eos_token]
        assert matcher.try_consume_tokens(fed) == len(fed)
        assert len(draft.kinds) == len(draft.token_ids) <= 16


def allowed(matcher: LLMatcher) -> list[int]:
    mask = allocate_token_bitmask(1, BYTES.vocab_size)
    fill_next_token_bitmask(matcher, mask)
    bits = [(word >> bit) & 1 for word in mask[0].tolist() for bit in range(32)]
    return [token for token, bit in enumerate(bits[: BYTES.vocab_size]) if bit]


@pytest.mark.parametrize("name", TURNS)
def test_nothing_but_a_certain_token_is_allowed_where_it_stands(name: str) -> None:
    certain = 0
    for matcher, _, draft in everywhere(*TURNS[name]):
        for token, kind in zip(draft.token_ids, draft.kinds, strict=True):
            if kind == CERTAIN:
                certain += 1
                assert allowed(matcher) == [token]
            matcher.consume_token(token)
    assert certain > 100


def drafted(draft: Draft) -> str:
    return BYTES.decode_str(list(draft.token_ids))


def at(answer: str, least: float = 0.05) -> Draft:
    """What is drafted of the document behind this beginning."""
    return everywhere(TURNS["document"][0], answer, least=least)[-1][2]


def test_forced_text_and_copies_follow_each_other() -> None:
    assert drafted(at('{"vendor": "Acme C', least=0.0)) == "orporation over "
    assert drafted(at('{"vendor": "Acme Corporation", "curren')) == 'cy": "'
    assert drafted(at('{"vendor": "Acme Corporation", "currency": "US')) == 'D", "total": '
    assert drafted(at('{"vendor": "Acme Corporation", "currency": "USD", "total": 12')) == ".5"


def test_a_copy_ends_where_the_grammar_does() -> None:
    """Behind 12.5 the prompt goes on with a space, which no number holds."""
    assert drafted(at('{"vendor": "A", "currency": "USD", "total": 1')) == "2.5"


def test_a_guess_too_bold_is_not_made() -> None:
    bold, careful = at('{"vendor": "Acme C'), at('{"vendor": "Acme C', least=0.4)
    assert 0 < len(careful.token_ids) < len(bold.token_ids)
    assert drafted(bold).startswith(drafted(careful))
    assert at('{"vendor": "Acme C', least=0.999).token_ids == ()


@pytest.mark.parametrize("share", [0, 3, 16])
def test_guesses_end_where_an_answers_share_does_and_forced_tokens_do_not(share: int) -> None:
    turn, answer = TURNS["document"]
    drafter, tokens = Drafter(BYTES), BYTES.tokenize_str(answer)
    for place in range(len(tokens)):
        matcher = LLMatcher(BYTES, grammar(turn))
        matcher.try_consume_tokens(tokens[:place])
        text = drafter.text(BYTES.tokenize_str(PROMPT) + tokens[:place])
        draft = drafter.likely(matcher, text, 16, Chances(), 0.0, share=share)
        guesses = [at for at, kind in enumerate(draft.kinds) if kind != CERTAIN]
        assert all(at < share for at in guesses)
        forced = drafter.certain(matcher, 16).token_ids
        assert draft.token_ids[: len(forced)] == forced


def test_without_guesses_only_what_is_forced() -> None:
    turn, _ = TURNS["document"]
    drafter, matcher = Drafter(BYTES), LLMatcher(BYTES, grammar(turn))
    draft = drafter.certain(matcher, 40)
    assert (drafted(draft), set(draft.kinds)) == ('{"vendor": "', {CERTAIN})


def test_the_end_is_drafted_where_nothing_else_can_come() -> None:
    *_, (_, _, last) = everywhere(*TURNS["document"])
    assert (last.token_ids, last.kinds) == ((BYTES.eos_token,), (CERTAIN,))


class Spelled:
    """BYTES, but its end has a text, as in models' tokenizers."""

    eos_tokens = BYTES.eos_tokens

    def decode_bytes(self, tokens: list[int]) -> bytes:
        return b"".join(b"<end>" if token == BYTES.eos_token else BYTES.decode_bytes([token]) for token in tokens)

    def tokenize_bytes(self, text: bytes) -> list[int]:
        before, *parts = text.split(b"<end>")
        return BYTES.tokenize_bytes(before) + [
            token for part in parts for token in (BYTES.eos_token, *BYTES.tokenize_bytes(part))
        ]


def test_an_answer_that_a_guess_ends_has_one_end() -> None:
    """As in a chat, whose earlier answers have ended the same way."""
    drafter = Drafter(cast(LLTokenizer, Spelled()))
    matcher = LLMatcher(BYTES, 'start: "answer" ("." "."*)?')
    answer = BYTES.tokenize_str("answer")
    assert matcher.try_consume_tokens(answer) == len(answer)
    text = drafter.text([*answer, BYTES.eos_token, *answer])
    assert drafter.likely(matcher, text, 16, Chances(), 0.0).token_ids == (BYTES.eos_token,)
    assert matcher.is_accepting() and not matcher.is_stopped()


def test_what_the_text_repeats_is_copied_from_the_latest() -> None:
    def after(*texts: str) -> tuple[int, str]:
        text = Drafter(BYTES).text(BYTES.tokenize_str("".join(texts)))
        context, place = text.precedent()
        return context, BYTES.decode_str(list(text.following(place, 99))) if context else ""

    assert after("one two, one three. one ") == (5, "three. one ")
    assert after("abcd-x abcd-y abcd") == (5, "-y abcd")
    assert after("no precedent") == (0, "")
    assert after("") == (0, "")


def longest(tokens: Sequence[int], text: bytes) -> int:
    """How long a context has a precedent, found the slow way."""
    fitting = [n for n in range(1, len(text)) if text.find(text[-n:], 0, len(text) - 1) >= 0]
    return max(fitting, default=0)


def test_a_search_need_not_begin_anew() -> None:
    """What the last one has excluded stays excluded, also when a draft was added in between."""
    random = Random(3)
    text = Drafter(BYTES).text(BYTES.tokenize_str("abcabcabd"))
    for _ in range(400):
        least = random.randint(1, 6)
        found, place = text.precedent(least)
        expected = longest((), bytes(text._bytes))
        assert found == (min(MOST_CONTEXT, expected) if expected >= least else 0)
        assert not found or text._bytes[place - found : place] == text._bytes[-found:]
        mark = text.mark()
        text.add(BYTES.tokenize_str("".join(random.choices("abc", k=random.randint(0, 3)))))
        text.precedent(random.randint(1, 6))
        if random.random() < 0.5:
            text.cut(mark)


def test_a_copy_has_the_tokens_of_its_source() -> None:
    text = Drafter(BYTES).text([*BYTES.tokenize_str("one"), BYTES.eos_token, *BYTES.tokenize_str(" two")])
    assert text.following(1, 99) == [*BYTES.tokenize_str("ne"), BYTES.eos_token, *BYTES.tokenize_str(" two")]
    assert text.following(1, 3) == [*BYTES.tokenize_str("ne"), BYTES.eos_token]


class Pairs:
    """A token has two letters, at the end of a text perhaps one; texts are tokenized from their beginning."""

    eos_tokens = BYTES.eos_tokens

    def decode_bytes(self, tokens: list[int]) -> bytes:
        return b"".join(token.to_bytes(2).lstrip(b"\0") for token in tokens)

    def tokenize_bytes(self, text: bytes) -> list[int]:
        return [int.from_bytes(text[at : at + 2]) for at in range(0, len(text), 2)]


def test_within_a_token_the_rest_of_its_word_is_tokenized_anew() -> None:
    tokenizer = cast(LLTokenizer, Pairs())
    words = tokenizer.tokenize_bytes(b"abcde fg hi")
    text = Drafter(tokenizer).text(words)
    assert text.following(2, 2) == words[1:3]
    assert text.following(1, 9) == [*tokenizer.tokenize_bytes(b"bcde "), *words[3:]]
    assert text.following(1, 1) == tokenizer.tokenize_bytes(b"bc")


@pytest.mark.parametrize("answer", ["abababab", "aaaa", "xyzxyxyz", "the cat sat on the cat", "ab"])
def test_the_longest_context_is_found(answer: str) -> None:
    tokens = BYTES.tokenize_str(answer)
    context, _ = Drafter(BYTES).text(tokens).precedent()
    assert context == longest(tokens, answer.encode())

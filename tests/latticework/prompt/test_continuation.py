"""Prompts that end where the assistant's last message does, with the chat templates of real families."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.markup import markup
from latticework.prompt import ChatTemplate, Prompt, PromptError
from latticework.prompt.writer import state_after
from tests import families
from tests.latticework.conformance.test_families import ALL
from turngrammar.analysis import texts
from turngrammar.formats import FENCED, FORMATS, Format
from turngrammar.plan import compile_turn
from turngrammar.turn import JsonContent, Tool, ToolChoice, Turn

QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}]
# Blanks that templates strip, and what looks like markup of some.
TEXT = " I am <|im_end|></s><eos> Ada  \n"
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TOOL = Tool("find", parameters=SCHEMA)
# Templates that open reasoning in every message, end it, frame the answer, add a blank, have plain text only.
SOME = ("nemotron_nano2", "qwen3", "gpt_oss", "mistral_7b", "deepseek_v3")
NAMES = [name for name in families.families() if ALL or name in SOME]


@dataclass(frozen=True)
class Loaded:
    tokenizer: HuggingFaceTokenizer
    template: ChatTemplate
    format: Format

    def continued(self, text: str) -> Prompt:
        messages = [*QUESTION, {"role": "assistant", "content": text}]
        return self.template.prompt(messages, format=self.format, continued=True)


@pytest.fixture(scope="module", params=NAMES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    family = families.families()[request.param]
    tokenizer = families.loaded(family, tmp_path_factory.mktemp("family"))
    plain = families.template(tokenizer)
    format = FORMATS[family.format]
    marks = markup(tokenizer.added_tokens, plain.source, texts(format))
    return Loaded(tokenizer, replace(plain, markup=marks), format)


def test_the_message_is_left_open(loaded: Loaded) -> None:
    prompt = loaded.continued(TEXT)
    assert prompt.begun == TEXT
    head = prompt.text.removesuffix(TEXT)
    assert head + TEXT == prompt.text
    assert head.count("Who?") == 1
    behind = head.partition("Who?")[2]
    beginning = loaded.template.prompt(QUESTION, format=loaded.format).text.partition("Who?")[2]
    assert behind.strip()[:8] == beginning.strip()[:8]


def test_no_text_of_it_becomes_markup(loaded: Loaded) -> None:
    prompt, markup = loaded.continued(TEXT), loaded.template.markup
    written = [mark for mark in ("<|im_end|>", "</s>", "<eos>") if mark in markup]
    assert bool(prompt.segments) == bool(written)
    ids = loaded.tokenizer.encode_segments(prompt.segments or [prompt.text], markup)
    head = loaded.tokenizer.encode(prompt.text.removesuffix(TEXT))
    for mark in written:
        (token_id,) = loaded.tokenizer.encode(mark)
        assert ids.count(token_id) == head.count(token_id)


@pytest.mark.parametrize("text", ["I am", '{"name": "A'])
def test_every_grammar_goes_on_behind_the_text(loaded: Loaded, text: str) -> None:
    """Both text before calls, and documents."""
    prompt, vocabulary = loaded.continued(text), loaded.tokenizer.vocabulary
    document = text.startswith("{")
    turn = Turn(
        loaded.format,
        tools=() if document else (TOOL,),
        choice=ToolChoice("none" if document else "auto"),
        content=JsonContent(SCHEMA) if document else None,
        special_tokens=vocabulary.special_tokens,
        ends=vocabulary.ends,
        reasoning=state_after(loaded.format, prompt),
    )
    plan = compile_turn(turn)
    beginning = vocabulary.beginning(plan.grammar or "", text)
    assert (beginning.allowed, beginning.complete) == (len(text), False)
    assert vocabulary.matchable.decode_bytes(list(beginning.token_ids)) == text.encode()


def test_a_message_that_the_template_leaves_out_can_not_be_continued() -> None:
    template = ChatTemplate("{% for message in messages if message.role == 'user' %}{{ message.content }}{% endfor %}")

    with pytest.raises(PromptError, match="does not render it") as raised:
        template.prompt([*QUESTION, {"role": "assistant", "content": "x"}], format=FENCED, continued=True)
    assert raised.value.param == "messages[2]"

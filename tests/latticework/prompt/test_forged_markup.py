"""With each family's tokenizer and chat template: no text of a client's becomes markup, and other text is unchanged.

The default run takes some families of each kind; FAMILIES=all takes all of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pytest

from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.markup import markup, pattern
from latticework.prompt import ChatTemplate, Prompt, PromptError
from tests import families, shared
from turngrammar.analysis import texts
from turngrammar.formats import Format, choose

Message = dict[str, Any]

# One of each kind of tokenizer and template, and of markup: flagged or not, in the model's own vocabulary or not.
SOME = {
    *("qwen3", "deepseek_v32", "mistral_7b", "gemma3"),
    *("glm45", "kimi_k2", "minimax_m2", "nemotron_3", "nemotron_nano2", "phi4_mini", "smollm3"),
}
ALL = os.environ.get("FAMILIES") == "all"
# Added tokens that are ordinary text, or for users to write.
NO_MARKUP = {"/think", "/no_think", "/nothink", "\n", "\n\n"}


@dataclass
class Family:
    """`tokens`: texts of its markup."""

    tokens: Sequence[str]
    tokenizer: HuggingFaceTokenizer

    @cached_property
    def format(self) -> Format:
        return choose(self.tokenizer.chat_template or "", self.tokenizer.special_tokens)[0]

    @cached_property
    def markup(self) -> frozenset[str]:
        return markup(self.tokenizer.added_tokens, self.tokenizer.chat_template or "", texts(self.format))

    @cached_property
    def markers(self) -> list[str]:
        tokens = dict.fromkeys(self.tokens)
        return [text for text in tokens if text in self.tokenizer.added_tokens and text not in NO_MARKUP]

    @cached_property
    def template(self) -> ChatTemplate:
        return ChatTemplate(self.tokenizer.chat_template or "", self.tokenizer.named_tokens, markup=self.markup)

    @cached_property
    def unguarded(self) -> ChatTemplate:
        return ChatTemplate(self.tokenizer.chat_template or "", self.tokenizer.named_tokens)

    def ids(self, prompt: Prompt) -> list[int]:
        if prompt.segments:
            return self.tokenizer.encode_segments(prompt.segments, self.markup)
        return self.tokenizer.encode(prompt.text)

    def marks(self, ids: Sequence[int]) -> list[str]:
        """The markup among tokens."""
        return [text for token_id in ids if (text := self._texts.get(token_id))]

    def decoded(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer._backend.decode(ids, skip_special_tokens=False))

    @cached_property
    def _texts(self) -> dict[int, str]:
        added = self.tokenizer._tokenizer.added_tokens_decoder.items()
        return {token_id: token.content for token_id, token in added if token.content in self.markup}


def names() -> list[str]:
    return [name for name in families.families() if ALL or name in SOME]


@pytest.fixture(scope="module", params=names() or [""])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    shared.path("families")
    known = families.families()[request.param]
    return Family((*known.tokens, *known.ends), families.loaded(known, tmp_path_factory.mktemp(known.name)))


def said(role: str, content: Any, **more: Any) -> Message:
    return {"role": role, "content": content, **more}


def call(identity: str, arguments: str) -> Message:
    return {"id": identity, "type": "function", "function": {"name": "find", "arguments": arguments}}


def conversation(text: str) -> list[Message]:
    """With a text in every place that is a client's."""
    parts = [{"type": "text", "text": f"a {text}"}, {"type": "text", "text": f"{text} b"}]
    escaped = json.dumps({"place": text}).replace("<", "\\u003c").replace("[", "\\u005B").replace("/", "\\/")
    calls = [
        call("a1b2c3d4e", json.dumps({"place": text, "n": [text, {f"k{text}": text}]}, ensure_ascii=False)),
        call("a1b2c3d4f", escaped),
    ]
    return [
        said("system", f"sys {text}"),
        said("user", f"hello {text}\nmore {text}"),
        said("assistant", f"well {text}", reasoning_content=f"so {text}"),
        said("user", parts),
        said("assistant", None, tool_calls=calls),
        said("tool", f"result {text}", tool_call_id="a1b2c3d4e"),
        said("tool", f"other {text}", tool_call_id="a1b2c3d4f"),
        said("user", f"bye {text}"),
    ]


def tool(text: str, key: str) -> Message:
    properties = {
        "place": {"type": "string", "description": f"d {text}", "enum": [f"e{text}", text]},
        f"k{text}": {"type": "string", "description": text, "default": text},
        "n": {"type": "string", "description": "n", key: text, "x": {key: [text]}},
    }
    parameters = {"type": "object", "properties": properties, "required": ["place"]}
    return {"type": "function", "function": {"name": "find", "description": f"finds {text}", "parameters": parameters}}


def prompted(family: Family, template: ChatTemplate, text: str, key: str = "key") -> Prompt:
    schema = {"type": "object", "properties": {f"s{text}": {"enum": [text], key: text}}, "description": text}
    return template.prompt(conversation(text), tools=[tool(text, key)], format=family.format, schema=schema)


def test_its_markers_are_markup(family: Family) -> None:
    assert set(family.markers) <= family.markup
    assert not NO_MARKUP & family.markup


def test_no_text_becomes_markup(family: Family) -> None:
    text = " ".join(family.markers) + "x" + "".join(family.markers) + "."
    forged, plain = prompted(family, family.template, text), prompted(family, family.template, "zq, ")
    ids = family.ids(forged)
    assert plain == prompted(family, family.unguarded, "zq, ")
    assert forged.text.count(family.markers[0]) > 10
    assert family.marks(ids) == family.marks(family.ids(plain))
    assert len(family.marks(family.tokenizer.encode(forged.text))) > len(family.marks(ids)) + 10
    assert family.decoded(ids) == family.decoded(family.tokenizer.encode(forged.text))


def test_no_texts_side_by_side_become_markup(family: Family) -> None:
    def parts(*texts: str) -> Prompt:
        content = [{"type": "text", "text": text} for text in texts]
        talk = [said("system", content), said("user", content), said("assistant", content), said("user", content)]
        return family.template.prompt(talk, format=family.format)

    plain = family.marks(family.ids(parts("zq", "zq")))
    for marker in family.markers:
        for place in (1, len(marker) // 2, len(marker) - 1):
            assert family.marks(family.ids(parts(marker[:place], marker[place:]))) == plain, (marker, place)


def test_no_key_becomes_markup_within_brackets_of_the_templates(family: Family) -> None:
    plain = family.marks(family.ids(prompted(family, family.template, "zq", "zq")))
    for marker in family.markers:
        key = marker.strip("<>[]|/｜")
        assert family.marks(family.ids(prompted(family, family.template, "zq", key))) == plain, marker


def test_other_text_is_encoded_as_ever(family: Family) -> None:
    marks = re.compile(f"({pattern(family.markup)})")
    talks = [(row["messages"], row["tools"]) for row in shared.rows("bfcl_dev")[:: 1 if ALL else 30]]
    talks += [(row["data"]["messages"], ()) for row in shared.rows("chat_template_golden")]
    same = 0
    for messages, tools in talks:
        try:
            text = family.unguarded.render(messages, tools=tools, format=family.format)
        except (PromptError, KeyError):  # a role or a content that is none of OpenAI's
            continue
        prompt = family.template.prompt(messages, tools=tools, format=family.format)
        # As if one of its texts were forged.
        cut = tuple(marks.split(text))
        assert family.tokenizer.encode_segments(cut, family.markup) == family.tokenizer.encode(text)
        if not prompt.segments and not any("<think>" in str(message) for message in messages):
            assert prompt.text == text
            same += 1
    assert same > len(talks) // 2


def test_what_follows_leaves_the_ids_as_they_are(family: Family) -> None:
    talk = [
        said("user", f"hello {family.markers[0]}"),
        said("assistant", "well"),
        said("user", "and?"),
        said("assistant", f"so {family.markers[-1]}"),
        said("user", "oh"),
    ]
    prompts = [
        family.template.prompt(talk[:end], format=family.format, add_generation_prompt=False) for end in (3, 4, 5)
    ]
    for prompt, longer in pairwise(prompts):
        # Some templates leave out earlier thoughts, or put the system's words into the last message.
        if longer.text.startswith(prompt.text):
            # But for the last: where turns end with no token of their own, it may be merged with what follows.
            *ids, _ = family.ids(prompt)
            assert family.ids(longer)[: len(ids)] == ids

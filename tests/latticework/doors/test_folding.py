"""A stream, put together by OpenAI's own client, against the whole response: the content is the same, null too."""

from __future__ import annotations

from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from latticework import create_app
from tests.http import chat, events
from tests.latticework.generate.test_generation import Thinking
from tests.scripted import ScriptedEngine, says

CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 1}}\n</tool_call>'
TOOLS = {"tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]}

TURNS: dict[str, tuple[tuple[str, ...], dict[str, Any], str | None]] = {
    "text": (("hel", "lo"), {}, "hello"),
    "nothing": ((), {}, ""),
    "text beside tools": (("hel", "lo"), TOOLS, "hello"),
    "nothing beside tools": ((), TOOLS, ""),
    "no call wanted": (("hello",), {**TOOLS, "tool_choice": "none"}, "hello"),
    "call": ((CALL,), TOOLS, None),
    "required call": ((CALL,), {**TOOLS, "tool_choice": "required"}, None),
    "text, then a call": (("Adding. ", CALL), TOOLS, "Adding. "),
    "reasoning": (("<think>\n", "hm"), {}, ""),
    "reasoning beside tools": (("<think>\n", "hm"), TOOLS, ""),
    "reasoning, then text": (("<think>\nhm\n</think>\n\n", "hello"), TOOLS, "hello"),
    "reasoning, then a call": (("<think>\nhm\n</think>\n\n", CALL), TOOLS, None),
}


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_the_client_folds_a_stream_into_the_whole(turn: str) -> None:
    texts, fields, content = TURNS[turn]
    finish = "length" if turn.startswith("reasoning") and content == "" else "stop"
    served = create_app(ScriptedEngine(says(*texts, finish=finish), tokenizer=Thinking()))
    whole = ChatCompletion.model_validate(chat(served, **fields).json()).choices[0]
    *chunks, _ = events(chat(served, stream=True, **fields))
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    folded = state.current_completion_snapshot.choices[0]
    assert (whole.message.content, folded.message.content) == (content, content)
    assert folded.finish_reason == whole.finish_reason
    assert (
        len(folded.message.tool_calls or ()) == len(whole.message.tool_calls or ()) == (content != "" and CALL in texts)
    )

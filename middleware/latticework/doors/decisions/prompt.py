"""The prompt of each question: the model's chat template renders the input, and behind it the question.

What comes before the question is the same for all questions of a request, so that the engine computes it once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from latticework.ask import Ask, Content, Conversation, TurnAsk
from latticework.doors.decisions.request import (
    ChoiceQuestion,
    DecisionCallOutput,
    DecisionCustomCall,
    DecisionFunctionCall,
    DecisionJson,
    DecisionMessage,
    DecisionRefusal,
    DecisionRequest,
    DecisionText,
    PredicateQuestion,
    ScoreQuestion,
)
from latticework.errors import BadRequest
from turngrammar.scan import dump_json
from turngrammar.turn import ClientGrammar

SYSTEM = "You are given an input and then a question about it. Answer with one of the listed answers, and nothing else."
YES_OR_NO = ("Yes", "No")

Message = dict[str, Any]
AnyQuestion = PredicateQuestion | ChoiceQuestion | ScoreQuestion


def decision_asks(request: DecisionRequest) -> Sequence[Ask]:
    """An ask for each question. Its answer would be one of `answer_texts`, without reasoning. Raises BadRequest."""
    shared = [{"role": "system", "content": SYSTEM}, *_input_messages(request)]
    return [
        Ask(
            request.model,
            Conversation([*shared, {"role": "user", "content": _question_text(question)}]),
            TurnAsk(content=Content(ClientGrammar("choice", answer_texts(question), f"/questions/{index}"))),
            sampling={"confidence": True},
            effort="none",
            reasoning_limit=0,
            names={"prompt": "input", "messages": "input", "confidence": "model"},
        )
        for index, question in enumerate(request.questions)
    ]


def answer_texts(question: AnyQuestion) -> tuple[str, ...]:
    """The answers that a model may write, in the order of the question's choices or levels.

    A choice is its text, and a level its number. Where a choice is empty, or two have one text, they are as in JSON.
    """
    if isinstance(question, PredicateQuestion):
        return YES_OR_NO
    if isinstance(question, ScoreQuestion):
        return tuple(str(value) for value in range(len(question.levels)))
    values = [choice.value for choice in question.choices]
    texts = [value if isinstance(value, str) else dump_json(value) for value in values]
    if len(set(texts)) < len(texts) or not all(text.strip() for text in texts):
        return tuple(dump_json(value) for value in values)
    return tuple(texts)


def _question_text(question: AnyQuestion) -> str:
    return "\n".join([_text_of(question.instructions), "", *_QUESTIONS[type(question)](question)])


def _predicate_lines(question: PredicateQuestion) -> Iterator[str]:
    yield "Is this true of the input? Answer Yes or No."


def _choice_lines(question: ChoiceQuestion) -> Iterator[str]:
    yield "Answer with one of these:"
    for text, choice in zip(answer_texts(question), question.choices, strict=True):
        yield f"{text}: {choice.description}" if choice.description else text


def _score_lines(question: ScoreQuestion) -> Iterator[str]:
    yield "Answer with the number of one of these levels:"
    for value, level in enumerate(question.levels):
        yield f"{value}: {level.label}" + (f" ({level.description})" if level.description else "")


_QUESTIONS: Mapping[type[AnyQuestion], Callable[[Any], Iterator[str]]] = {
    PredicateQuestion: _predicate_lines,
    ChoiceQuestion: _choice_lines,
    ScoreQuestion: _score_lines,
}


def _input_messages(request: DecisionRequest) -> Sequence[Message]:
    """The input as the chat template takes it. Raises BadRequest for an output without its call."""
    if isinstance(request.input, str):
        return [{"role": "user", "content": request.input}]
    calls: set[str] = set()
    messages: list[Message] = []
    for index, item in enumerate(request.input):
        if isinstance(item, DecisionCallOutput) and item.call_id not in calls:
            place = f"input[{index}].call_id"
            raise BadRequest(
                f"'{place}' is '{item.call_id[:100]}', and no earlier item is a call of this id; send the call too.",
                param=place,
            )
        if isinstance(item, DecisionFunctionCall | DecisionCustomCall):
            calls.add(item.call_id)
            _add_call(messages, _chat_call(item))
        else:
            messages.append(_chat_message(item))
    return messages


def _add_call(messages: list[Message], call: Message) -> None:
    """The calls of one turn are in one message."""
    if not messages or "tool_calls" not in messages[-1]:
        messages.append({"role": "assistant", "content": None, "tool_calls": []})
    messages[-1]["tool_calls"].append(call)


def _chat_call(item: DecisionFunctionCall | DecisionCustomCall) -> Message:
    if isinstance(item, DecisionCustomCall):
        return {"id": item.call_id, "type": "custom", "custom": {"name": item.name, "input": item.input}}
    return {"id": item.call_id, "type": "function", "function": {"name": item.name, "arguments": item.arguments}}


def _chat_message(item: DecisionMessage | DecisionCallOutput) -> Message:
    if isinstance(item, DecisionCallOutput):
        return {"role": "tool", "tool_call_id": item.call_id, "content": _text_of(item.output)}
    return {"role": item.role, "content": _text_of(item.content)}


def _text_of(content: str | Sequence[Any]) -> str:
    return content if isinstance(content, str) else "\n".join(_PARTS[type(part)](part) for part in content)


_PARTS: Mapping[type[Any], Callable[[Any], str]] = {
    DecisionText: lambda part: part.text,
    DecisionRefusal: lambda part: part.refusal,
    DecisionJson: lambda part: json.dumps(part.data, ensure_ascii=False),
}

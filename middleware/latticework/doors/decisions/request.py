"""A request for decisions: questions about one input, as pydantic models.

Names and bounds: OpenAI's decisions reference, and the types of its client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Discriminator, Field, StrictBool, StrictStr, Tag

from latticework.doors.common.counts import Crowd, in_each, listed
from latticework.doors.common.objects import ApiObject, Items
from latticework.doors.common.validation import parse_as, unknown_fields
from latticework.errors import BadRequest
from latticework.generate.outcomes import MOST_OUTCOMES

MOST_QUESTIONS = 400
MOST_LEVELS = 10


class DecisionText(ApiObject):
    """`output_text` is a part of an assistant's message."""

    type: Literal["input_text", "output_text"]
    text: StrictStr
    prompt_cache_breakpoint: Any = None


class DecisionJson(ApiObject):
    """An object or a list of objects, which the model reads as JSON text."""

    type: Literal["input_json"]
    data: dict[str, Any] | Items[dict[str, Any]]


class DecisionRefusal(ApiObject):
    """A part of an assistant's message."""

    type: Literal["refusal"]
    refusal: StrictStr


class DecisionImage(ApiObject):
    """Known, and refused: this model reads text only."""

    # What it has is not listed as unknown.
    model_config = ConfigDict(extra="ignore")

    type: Literal["input_image"]


Part: TypeAlias = Annotated[DecisionText | DecisionJson | DecisionRefusal | DecisionImage, Field(discriminator="type")]
Text: TypeAlias = StrictStr | Items[Part]


class DecisionItem(ApiObject):
    id: StrictStr | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None
    namespace: StrictStr | None = None


class DecisionMessage(DecisionItem):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Text
    phase: Literal["commentary", "final_answer"] | None = None


class DecisionFunctionCall(DecisionItem):
    type: Literal["function_call"]
    call_id: StrictStr
    name: StrictStr
    arguments: StrictStr


class DecisionCustomCall(DecisionItem):
    type: Literal["custom_tool_call"]
    call_id: StrictStr
    name: StrictStr
    input: StrictStr


class DecisionCallOutput(DecisionItem):
    """The result of a call, of either kind."""

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: StrictStr
    output: Text


def _item_kind(item: Any) -> str | None:
    """An item without a type is a message; the outputs of both kinds of calls are alike."""
    kind = item.get("type", "message") if isinstance(item, dict) else None
    return "output" if kind in ("function_call_output", "custom_tool_call_output") else kind


Item: TypeAlias = Annotated[
    Annotated[DecisionMessage, Tag("message")]
    | Annotated[DecisionFunctionCall, Tag("function_call")]
    | Annotated[DecisionCustomCall, Tag("custom_tool_call")]
    | Annotated[DecisionCallOutput, Tag("output")],
    Discriminator(_item_kind),
]


class DecisionQuestion(ApiObject):
    """What all questions have. `name` is returned with the answer."""

    name: StrictStr | None = None
    instructions: Text


class PredicateQuestion(DecisionQuestion):
    """Whether a statement about the input is true."""

    type: Literal["predicate"]


class OfferedChoice(ApiObject):
    """A string and a boolean with the same text are two values."""

    value: StrictStr | StrictBool
    description: StrictStr | None = None


class ChoiceQuestion(DecisionQuestion):
    """Which of some values fits the input."""

    type: Literal["choice"]
    choices: Items[OfferedChoice] = Field(min_length=2, max_length=MOST_OUTCOMES)


class ScoreLevel(ApiObject):
    """A level; its value is its place in the list, from 0."""

    label: StrictStr
    description: StrictStr | None = None


class ScoreQuestion(DecisionQuestion):
    """Which of some levels, in their order, fits the input."""

    type: Literal["score"]
    levels: Items[ScoreLevel] = Field(min_length=2, max_length=MOST_LEVELS)


Question: TypeAlias = Annotated[PredicateQuestion | ChoiceQuestion | ScoreQuestion, Field(discriminator="type")]


class DecisionRequest(ApiObject):
    """The body of `POST /v1/decisions`."""

    model: StrictStr
    input: StrictStr | Items[Item]
    questions: Items[Question] = Field(min_length=1, max_length=MOST_QUESTIONS)
    # OpenAI's, about caching and accounting: no answer depends on them.
    prompt_cache_key: StrictStr | None = None
    prompt_cache_options: dict[str, Any] | None = None
    safety_identifier: StrictStr | None = None


# The fields that may have lone surrogates.
TEXTS = ("input",)
CROWDS = (
    Crowd("max_messages", "items", lambda body: listed("input", body)),
    Crowd("max_content_parts", "content parts", lambda body: in_each("input", "content", body)),
    Crowd("max_content_parts", "parts of an output", lambda body: in_each("input", "output", body)),
    Crowd("max_content_parts", "parts of instructions", lambda body: in_each("questions", "instructions", body)),
)


def parse_decision_request(body: dict[str, Any]) -> DecisionRequest:
    """A valid request. Raises BadRequest that names the first invalid parameter.

    Unknown fields are refused: an answer without what they mean would look like one with it.
    """
    request = parse_as(DecisionRequest, body)
    for place, part in _all_parts(request):
        if isinstance(part, DecisionImage):
            problem = f"'{place}' is of type '{part.type}', and this model reads text only."
            raise BadRequest(problem, param=place, code="unsupported_value")
    for path in unknown_fields(request):
        raise BadRequest(f"Unknown parameter: '{path}'. Omit it.", param=path, code="unknown_parameter")
    if not request.input:
        raise BadRequest(
            "'input' is empty: send the text, or the messages, that the questions are about.", param="input"
        )
    _refuse_equal_choices(request.questions)
    return request


def _all_parts(request: DecisionRequest) -> Iterator[tuple[str, Any]]:
    """Each part of a content, with its name in the request."""
    texts: list[tuple[str, Any]] = []
    for index, item in enumerate(request.input if isinstance(request.input, list) else ()):
        texts += [(f"input[{index}].{name}", getattr(item, name, None)) for name in ("content", "output")]
    texts += [(f"questions[{index}].instructions", each.instructions) for index, each in enumerate(request.questions)]
    for place, text in texts:
        if isinstance(text, list):
            yield from ((f"{place}[{index}]", part) for index, part in enumerate(text))


def _refuse_equal_choices(questions: Sequence[Any]) -> None:
    for index, question in enumerate(questions):
        seen: dict[tuple[type, Any], int] = {}
        for place, choice in enumerate(question.choices if isinstance(question, ChoiceQuestion) else ()):
            first = seen.setdefault((type(choice.value), choice.value), place)
            if first != place:
                where = f"questions[{index}].choices[{place}].value"
                raise BadRequest(f"'{where}' is that of choice {first}, too: each must be unique.", param=where)


FIELDS: Mapping[str, str] = {
    "model": "The name of a model listed in `/v1/models`.",
    "input": "What the questions are about: a text, or messages, calls and their outputs. Images are refused.",
    "questions": f"1 to {MOST_QUESTIONS} questions: of a predicate whether it is true, of 2 to {MOST_OUTCOMES} choices "
    f"which one fits, of 2 to {MOST_LEVELS} levels, in their order, which one fits.",
    "prompt_cache_key": "No effect. OpenAI's caching.",
    "prompt_cache_options": "No effect. OpenAI's caching.",
    "safety_identifier": "No effect. OpenAI's accounting.",
}

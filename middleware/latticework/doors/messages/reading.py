"""What a request means: its conversation, its tools, the format of the answer, and the ask that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.ask import NO_CALLS, Ask, Content, Conversation, TurnAsk
from latticework.doors.common.objects import sampling_fields
from latticework.doors.common.validation import unknown_fields
from latticework.doors.common.values import value_fields
from latticework.doors.messages.conversation import Dialogue
from latticework.doors.messages.described_bounds import BoundsReader
from latticework.doors.messages.fields import HARMLESS, REFUSED
from latticework.doors.messages.request import (
    ChoiceAny,
    ChoiceTool,
    MessagesRequest,
    OutputFormat,
    PromptRequest,
    ThinkingFree,
    ThinkingOn,
)
from latticework.doors.messages.tools import MessageTool, Toolbox, message_tools, server_tools
from latticework.doors.openai.ask import known_format, skips_bad_tools
from latticework.doors.openai.content import document_content, of_structured_outputs, one_content
from latticework.errors import BadRequest
from latticework.settings import Settings
from latticework.turn import Job
from latticework.turn.reasoning import SWITCHES
from turngrammar.turn import ToolChoice

TOOLS_POINTER, CHOICE_POINTER = "/tools", "/tool_choice"
# The request's names of what errors name.
NAMES: Mapping[str, str] = {
    "prompt": "messages",
    "schema": "output_config.format",
    "variables": "thinking",
    "stop": "stop_sequences",
    "reasoning_limit": "thinking.budget_tokens",
}


@dataclass(frozen=True)
class ReadRequest:
    """A request that has been read.

    Attributes:
        bounds: JSON pointers to the keywords that were read in descriptions.
    """

    request: PromptRequest
    toolbox: Toolbox
    dialogue: Dialogue
    content: Content
    bounds: Sequence[str]

    @property
    def tools(self) -> Sequence[MessageTool]:
        """Those that may be called."""
        return self.toolbox.offered

    def ask(self, **fields: Any) -> Ask:
        """The ask that the prompt makes, with further `fields`. Raises BadRequest for an unknown tool or format."""
        request = self.request
        return Ask(
            model=request.model,
            prompt=self._conversation,
            turn=self._turn,
            effort=request.effort,
            reasoning_limit=request.reasoning_limit,
            names=NAMES,
            **fields,
        )

    @property
    def _conversation(self) -> Conversation:
        dialogue = self.dialogue
        thinks = isinstance(self.request.thinking, ThinkingOn | ThinkingFree)
        return Conversation(
            dialogue.messages,
            [tool.shown for tool in self.toolbox.listed],
            dict.fromkeys(SWITCHES, True) if thinks else {},
            continued=dialogue.continued,
            places=dialogue.places,
            quotable=dialogue.quotable,
        )

    @property
    def _turn(self) -> TurnAsk:
        request = self.request
        return TurnAsk(
            tuple(tool.compiled for tool in self.tools),
            _choice(request, self.tools),
            self.content,
            known_format(request.tool_format),
            TOOLS_POINTER,
            skips_bad_tools(request.on_bad_tool),
            request.open_objects,
        )

    @property
    def ignored(self) -> list[str]:
        """The names of unknown fields, and of tools, blocks and texts that are left out."""
        servers = [place for place, _ in server_tools(self.request.tools or ())]
        left_out = (*servers, *(place for place, _ in self.dialogue.ignored))
        inside = tuple(f"{place}." for place in left_out)
        known = (*HARMLESS, *REFUSED)
        unknown = [path for path in unknown_fields(self.request) if path not in known and not path.startswith(inside)]
        return [*unknown, *left_out, *self.dialogue.shortened]


def read_request(request: PromptRequest, settings: Settings) -> ReadRequest:
    """Raises BadRequest for what a message can't have, for a result without its call, and for two kinds of content."""
    bounds = BoundsReader(enabled=not settings.ignore_described_bounds)
    chosen = request.tool_choice.name if isinstance(request.tool_choice, ChoiceTool) else None
    tools = message_tools(request.tools or (), TOOLS_POINTER, chosen, bounds)
    dialogue = Dialogue(tools, drops_volatile=not settings.keep_volatile_text)
    dialogue.add_system(_system_blocks(request.system))
    for index, message in enumerate(request.messages):
        dialogue.add(f"messages[{index}]", message)
    dialogue.end()
    toolbox = Toolbox(tools, dialogue.found)
    return ReadRequest(request, toolbox, dialogue, _answer_content(request, bounds), bounds.pointers)


def message_ask(read: ReadRequest, request: MessagesRequest) -> Ask:
    """The ask of a message. Raises BadRequest."""
    return read.ask(
        sampling=sampling_fields(request),
        max_tokens=request.max_tokens,
        fits_context=True,
        stops=tuple(request.stop_sequences or ()),
        prompt_limit=request.truncate_prompt_tokens,
        whole_calls=request.whole_calls,
        **value_fields(request),
    )


def idle_fields(request: MessagesRequest, job: Job) -> list[str]:
    """The names of fields without effect on this answer."""
    idle = ["stop_sequences"] if request.stop_sequences and not job.stops else []
    thinks = request.thinking is not None and request.thinking.type != "disabled"
    return [*idle, "thinking"] if thinks and not job.reasons else idle


def _system_blocks(system: Any) -> list[tuple[str, str]]:
    if isinstance(system, str):
        return [("system", system)]
    return [(f"system[{index}]", block.text) for index, block in enumerate(system or ())]


def _choice(request: PromptRequest, tools: Sequence[MessageTool]) -> ToolChoice:
    choice = request.tool_choice
    most = 1 if choice is not None and choice.disable_parallel_tool_use else None
    match choice:
        case ChoiceTool(name=name):
            if name not in [tool.name for tool in tools]:
                listed = ", ".join(f"'{tool.name}'" for tool in tools) or "none"
                raise BadRequest(
                    f"'tool_choice' names '{name[:100]}', which is not among the tools (offered: {listed}).",
                    param="tool_choice.name",
                )
            return ToolChoice("required", (name,), 1, CHOICE_POINTER)
        case ChoiceAny(type="any") if not tools:
            raise BadRequest(
                "'tool_choice' is 'any', and the request has no tool to call; send one, or omit 'tool_choice'.",
                param="tool_choice",
            )
        case ChoiceAny(type="any"):
            return ToolChoice("required", most=most, pointer=CHOICE_POINTER)
        case None | ChoiceAny(type="auto") if tools:
            return ToolChoice("auto", most=most, pointer=CHOICE_POINTER)
    return NO_CALLS


def _answer_content(request: PromptRequest, bounds: BoundsReader) -> Content:
    """Raises BadRequest for two kinds of content."""
    contents = {}
    old = request.output_format
    new = request.output_config.format if request.output_config else None
    if old is not None and old != new:
        contents["output_format"] = _json_content(old, "/output_format/schema", bounds)
    if new is not None:
        contents["output_config.format"] = _json_content(new, "/output_config/format/schema", bounds)
    if request.structured_outputs is not None:
        contents["structured_outputs"] = of_structured_outputs(request.structured_outputs)
    return one_content(contents)


def _json_content(format: OutputFormat, pointer: str, bounds: BoundsReader) -> Content:
    return document_content(bounds.document(format.schema_, pointer), pointer)

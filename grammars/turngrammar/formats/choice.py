"""The wire format of a model, by the marks in its chat template or else in its vocabulary."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from turngrammar.formats.format import Format, Frame
from turngrammar.formats.keyed import hy3, hy4
from turngrammar.formats.table import FORMATS

MARKS: Sequence[tuple[str, tuple[str, ...]]] = (
    # The first row with all its marks in the text wins, so more specific rows come first.
    ("deepseek_v41", ("｜DSML｜", " calls>")),
    ("deepseek_v4", ("｜DSML｜", "tool_calls>")),
    ("deepseek_v32", ("｜DSML｜",)),
    ("gigachat35", ("｜GCML｜",)),
    ("kimi_k3", ("<|open|>", "<|close|>", "<|sep|>")),
    ("kimi_k2", ("<|tool_calls_section_begin|>",)),
    ("harmony", ("<|channel|>commentary",)),
    ("minimax_m2", ("<minimax:tool_call>",)),
    ("minimax_m3", ("]<]minimax[>[",)),
    ("seed_oss", ("<seed:tool_call>",)),
    ("muse_glimmer", ("<atem:function_calls>",)),
    ("dots", ("<dots_function_call>",)),
    ("step3", ("<steptml:",)),
    ("minicpm5", ("<function name=", "<param name=")),
    ("hy3", ("<tool_calls", "<tool_sep", "<arg_key")),
    ("hy4", ("<tool_calls", "<arg_key")),
    ("k2_horizon", ("<ifm|tool_call>",)),
    ("iquest", ("<iquest_tool_call>",)),
    ("longcat2", ("<longcat_arg_key>",)),
    ("longcat", ("<longcat_tool_call>",)),
    ("ling3", ("<arg_key>", "<role>ASSISTANT")),
    ("glm45", ("<arg_key>", "</arg_key>\n")),
    ("glm45", ("<arg_key>", "</arg_key>\\n")),
    ("glm47", ("<arg_key>",)),
    ("qwen3_coder", ("<tool_call>", "<function=", "<parameter=")),
    ("deepseek_v3", ("<｜tool▁call▁begin｜>", "```json")),
    ("deepseek_v31", ("<｜tool▁call▁begin｜>",)),
    ("mistral_v11", ("[TOOL_CALLS]", "[ARGS]")),
    ("mistral_v3", ("[TOOL_CALLS]",)),
    ("apertus", ("<|tools_prefix|>",)),
    ("command4", ("<|START_ACTION|>", "<|START_TEXT|>")),
    ("command", ("<|START_ACTION|>",)),
    ("command_r", ("Action:", '"tool_name"')),
    ("gemma4", ("<|tool_call>",)),
    ("functiongemma", ("<start_function_call>",)),
    ("lfm2", ("<|tool_call_start|>",)),
    ("lfm2", ("<|tool_list_start|>",)),
    ("nemotron", ("<TOOLCALL>",)),
    ("internlm2", ("<|action_start|>",)),
    ("inkling", ("<|content_invoke_tool_json|>",)),
    ("solar_open", ("<|tool_call:begin|>",)),
    ("plamo3", ("<|plamo:",)),
    ("apriel", ("<tool_calls>[", "<available_tools>")),
    ("hunyuan", ("<tool_calls>[",)),
    ("minimax_m1", ("<tool_calls>\\n{",)),
    ("functools", ("functools[",)),
    ("gigachat", ("<|function_call|>",)),
    ("gigachat3", ("function call", "<|role_sep|>")),
    ("granite_20b", ("<function_call> ",)),
    ("granite", ("<|tool_call|>",)),
    ("functionary", ("<function=",)),
    ("functionary_v32", (">>>all\\n",)),
    ("ernie45", ("<tool_call>", "<response>")),
    ("reka_edge", ("<tool_call>", "<sep>")),
    ("hermes", ("<tool_call>",)),
    ("olmo3", ("<function_calls>", "<functions>")),
    ("glm4", ("在调用上述函数时，请使用 Json 格式表示调用的参数。",)),
    ("pythonic", ("[func_name1(",)),
    ("xlam", ('[{"name": "tool_call_name"',)),
    ("llama3", ('{"name": function name, "parameters"',)),
)

_REASONING_FRAMES = tuple(
    dict.fromkeys(replace(format.reasoning, gap="") for format in FORMATS.values() if format.reasoning is not None)
)


def choose(template: str, special_tokens: Iterable[str] = ()) -> tuple[Format, str]:
    """The first candidate, or else the format for models without a known one."""
    return next(iter(candidates(template, special_tokens)), None) or fenced(template, special_tokens)


def candidates(template: str, special_tokens: Iterable[str] = ()) -> Iterator[tuple[Format, str]]:
    """The formats that a model may write, each with the reason, the most likely first.

    Args:
        template: its chat template, Jinja source; "" if it has no template.
        special_tokens: the texts of its vocabulary's special tokens.
    """
    vocabulary, known = "\n".join(special_tokens), set()
    for place, text in (("chat template", template), ("vocabulary", vocabulary)):
        for name, marks in MARKS:
            if name not in known and all(mark in text for mark in marks):
                known.add(name)
                reason = f"its {place} has {' and '.join(map(repr, marks))}"
                yield _adapted(FORMATS[name], text, template + vocabulary), reason


def fenced(template: str, special_tokens: Iterable[str] = ()) -> tuple[Format, str]:
    """The format for models that were not trained on tool calls."""
    reason = "neither its chat template nor its vocabulary has the marks of a known format"
    return _adapted(FORMATS["fenced"], template, template + "\n".join(special_tokens)), reason


def _adapted(format: Format, text: str, everything: str) -> Format:
    """The format with the frames and the suffix that this model uses."""
    if format.name in SUFFIXED and (suffix := _SUFFIX.search(text)):
        format = SUFFIXED[format.name](suffix[1] or suffix[2])
        everything = everything.replace("{}", suffix[1] or suffix[2])
    kept = format.answer and (format.preamble or format.answer.open.strip() in text)
    return replace(format, answer=format.answer if kept else None, reasoning=_reasoning_frame(format, everything))


def _reasoning_frame(format: Format, text: str) -> Frame | None:
    """The frame of reasoning, the family's own or another, with the whitespace that the template has after it."""
    own: tuple[Frame, ...] = (replace(format.reasoning, gap=""),) if format.reasoning else ()
    for frame in (*own, *_REASONING_FRAMES):
        if frame.open.strip() in text or _BUILT.get(frame.open, frame.open) in text:
            return replace(frame, gap=next((gap for source, gap in _GAPS.items() if frame.close + source in text), ""))
    return None


# Where a template assembles its marks from pieces: the pattern of their suffix …
SUFFIXED: Mapping[str, Callable[[str], Format]] = {"hy3": hy3, "hy4": hy4}
_SUFFIX = re.compile(r"<tool_calls(:[^\s<>{}]+)>|set \w+ = '(:[^\s<>{}']+)'")
# … and the source of the frame of reasoning with this opening.
_BUILT: Mapping[str, str] = {"<|open|>think<|sep|>": "open_tag('think')", " to=self<|message|>": "to=self"}
_GAPS: Mapping[str, str] = {"\\n\\n": "\n\n", "\n\n": "\n\n", "\\n": "\n"}

"""Which wire format a model speaks, told from its chat template and, where that says nothing, from its vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from grammars.formats.format import Format, Frame
from grammars.formats.table import FORMATS

MARKS: Sequence[tuple[str, tuple[str, ...]]] = (
    # The first row wins whose marks all occur: so the more telling ones stand first.
    ("deepseek_v4", ("｜DSML｜", "tool_calls>")),
    ("deepseek_v32", ("｜DSML｜",)),
    ("kimi_k2", ("<|tool_calls_section_begin|>",)),
    ("harmony", ("<|channel|>commentary",)),
    ("minimax_m2", ("<minimax:tool_call>",)),
    ("fenced", ("]<]minimax[>[",)),  # MiniMax M3 nests its XML
    ("seed_oss", ("<seed:tool_call>",)),
    ("glm45", ("<arg_key>", "</arg_key>\n")),
    ("glm45", ("<arg_key>", "</arg_key>\\n")),
    ("glm47", ("<arg_key>",)),
    ("qwen3_coder", ("<tool_call>", "<function=", "<parameter=")),
    ("deepseek_v3", ("<｜tool▁call▁begin｜>", "```json")),
    ("deepseek_v31", ("<｜tool▁call▁begin｜>",)),
    ("mistral_v11", ("[TOOL_CALLS]", "[ARGS]")),
    ("mistral_v3", ("[TOOL_CALLS]",)),
    ("apertus", ("<|tools_prefix|>",)),
    ("command", ("<|START_ACTION|>",)),
    ("command_r", ("Action:", '"tool_name"')),
    ("gemma4", ("<|tool_call>",)),
    ("functiongemma", ("<start_function_call>",)),
    ("lfm2", ("<|tool_call_start|>",)),
    ("lfm2", ("<|tool_list_start|>",)),
    ("nemotron", ("<TOOLCALL>",)),
    ("internlm2", ("<|action_start|>",)),
    ("hunyuan", ("<tool_calls>[",)),
    ("minimax_m1", ("<tool_calls>\\n{",)),
    ("functools", ("functools[",)),
    ("gigachat", ("<|function_call|>",)),
    ("granite_20b", ("<function_call> ",)),
    ("granite", ("<|tool_call|>",)),
    ("functionary", ("<function=",)),
    ("functionary_v32", (">>>all\\n",)),
    ("hermes", ("<tool_call>",)),
    ("pythonic", ("[func_name1(",)),
    ("xlam", ('[{"name": "tool_call_name"',)),
    ("llama3", ('{"name": function name, "parameters"',)),
)

_THOUGHTS = tuple(
    dict.fromkeys(replace(format.reasoning, gap="") for format in FORMATS.values() if format.reasoning is not None)
)


def choose(template: str, special_tokens: Iterable[str] = ()) -> tuple[Format, str]:
    """The format for a model, and why.

    Args:
        template: its chat template, Jinja source; "" for none.
        special_tokens: the texts of its vocabulary's special tokens.
    """
    vocabulary = "\n".join(special_tokens)
    for place, text in (("chat template", template), ("vocabulary", vocabulary)):
        for name, marks in MARKS:
            if all(mark in text for mark in marks):
                why = f"its {place} has {' and '.join(map(repr, marks))}"
                return _fitted(FORMATS[name], text, template + vocabulary), why
    why = "neither its chat template nor its vocabulary shows a format that is known"
    return _fitted(FORMATS["fenced"], template, template + vocabulary), why


def _fitted(format: Format, text: str, everything: str) -> Format:
    """The format with the frames that this model knows."""
    answer = format.answer if format.answer and format.answer.open.strip() in text else None
    return replace(format, answer=answer, reasoning=_reasoning(everything))


def _reasoning(text: str) -> Frame | None:
    """The frame of the model's thoughts, with the whitespace that the template has after it."""
    for frame in _THOUGHTS:
        if frame.open.strip() in text:
            return replace(frame, gap=next((gap for sign, gap in _GAPS.items() if frame.close + sign in text), ""))
    return None


_GAPS: Mapping[str, str] = {"\\n\\n": "\n\n", "\n\n": "\n\n", "\\n": "\n"}

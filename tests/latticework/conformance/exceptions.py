"""Checks that a family of models fails, and why."""

from __future__ import annotations

from collections.abc import Mapping

IGNORING, SPACE, READ = "accepted, ignoring whitespace", "exact whitespace", "parsed back unchanged"

_DOCUMENTS = "a document|reasoning, then a document"
_CALLS = (
    "one call|parallel calls|other tools in parallel|nested arguments|tricky strings|every JSON type|text, then a call"
)
_TYPES = "the template prints lists, objects and words as strings"
_BARE = "the template prints strings without escapes, so that their quotes end them"

# Families, cases, checks, reason.
_ROWS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("mistral_7b", "a document", (SPACE,), "the template puts a blank before a text"),
    ("reka_edge", _DOCUMENTS, (SPACE,), "the template puts a blank before a text, and line breaks behind it"),
    ("functiongemma glm45 laguna", "a document", (SPACE,), "the template puts a line break before a text"),
    ("granite_20b", "a document", (SPACE,), "the template puts a blank behind a text"),
    ("nemotron_nano2 apriel16", _DOCUMENTS, (SPACE,), "the template puts a line break behind a text"),
    ("apriel15 llama4_json", "a document", (SPACE,), "the template puts a line break behind a text"),
    ("laguna", "reasoning, then a document", (SPACE,), "the template puts a line break behind a text"),
    ("command_r", _CALLS, (SPACE,), "the template indents arguments, and JSON in a grammar has one line"),
    (
        "deepseek_v4 deepseek_v4_flash",
        "no arguments|other tools in parallel",
        (SPACE,),
        "the template leaves an empty line where there are no arguments",
    ),
    ("functiongemma", "nested arguments|every JSON type", (IGNORING, READ), _TYPES),
    ("llama4_pythonic", "nested arguments|every JSON type", (IGNORING, READ), _TYPES),
    ("llama4_pythonic lfm25", "tricky strings", (IGNORING, READ), _BARE),
    (
        "llama32_pythonic toolace",
        "tricky strings",
        (IGNORING, READ),
        "the template prints strings without quotes, so that a comma may end them",
    ),
    (
        "reka_edge",
        "tricky strings",
        (IGNORING,),
        "the template escapes emoji as two surrogates, which are refused",
    ),
    (
        "llama4_json",
        "parallel calls|other tools in parallel",
        (IGNORING, READ),
        "the template prints calls side by side, and the format has `; ` between them",
    ),
    ("minimax_m3", "every JSON type", (READ,), "the template leaves out arguments that are null"),
    (
        "solar_open",
        "reasoning, then a call|reasoning, then a document",
        (IGNORING,),
        "the template closes the reasoning with a token that also ends the turn",
    ),
)

EXCEPTIONS: Mapping[tuple[str, str, str], str] = {
    (family, case, check): why
    for families, cases, checks, why in _ROWS
    for family in families.split()
    for case in cases.split("|")
    for check in checks
}
"""Family, case and check -> why it fails."""

OTHERWISE: Mapping[str, str] = {
    "hy3": "hy3",
    "smollm3": "hermes",
    "apriel16": "apriel",
    "apriel15": "apriel",
    "solar_open": "solar_open",
    "ling3": "ling3",
    "laguna": "glm45",
    "minicpm5": "minicpm5",
    "kimi_k3": "kimi_k3",
    "minimax_m3": "minimax_m3",
    "reka_edge": "reka_edge",
    "spark25": "glm47",
    "muse_glimmer": "muse_glimmer",
    "glm4": "glm45",
    "cohere2moe": "command4",
    "gigachat3": "gigachat3",
}
"""The format that is selected for families for which families.json names none, or an older one."""

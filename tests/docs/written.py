"""What pages consist of: fenced code, code spans, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<marks>`{3,})(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=marks)$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)(`+) ?([^`].*?) ?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SHELLS = frozenset(("console", "sh", "bash", "shell"))
# What begins a command, in a shell's lines and in code spans.
PROGRAMS = ("latticework", "python", "make", "pip", "docker", "curl")


@dataclass(frozen=True)
class Fence:
    language: str
    text: str


def fences(page: str) -> list[Fence]:
    return [Fence(found["language"], found["text"]) for found in _FENCE.finditer(page)]


def prose(page: str) -> str:
    """Without what is fenced."""
    return _FENCE.sub("", page)


def spans(page: str) -> list[str]:
    return [" ".join(found[2].split()) for found in _SPAN.finditer(prose(page))]


def links(page: str) -> list[str]:
    return _LINK.findall(prose(page))


def anchors(page: str) -> set[str]:
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in _HEADING.findall(prose(page))}


def commands(page: str) -> Iterator[str]:
    """Lines after a prompt, and code spans that begin with a program that is known here."""
    for fence in fences(page):
        if fence.language in _SHELLS:
            yield from _lines(fence.text)
    yield from (span for span in spans(page) if span.split()[0] in PROGRAMS and " " in span)


def _lines(text: str) -> Iterator[str]:
    """Where there are prompts, what follows them up to a line that ends no quote; else every line."""
    joined = text.replace("\\\n", " ")
    lines = joined.splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    waiting = ""
    for line in lines:
        begins = line.startswith("$ ") if prompted else bool(line.strip()) and not line.startswith("#")
        if waiting or begins:
            waiting += ("\n" if waiting else "") + line.removeprefix("$ ")
            if waiting.count("'") % 2 == 0:
                yield waiting
                waiting = ""

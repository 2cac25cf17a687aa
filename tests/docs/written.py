"""The elements of a page: fenced code, code spans, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<marks>`{3,})(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=marks)$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<!`)(`+) ?([^`].*?) ?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SHELLS = frozenset(("console", "sh", "bash", "shell"))
# The first word of a command, in shell blocks and in code spans.
PROGRAMS = ("latticework", "python", "make", "pip", "docker", "curl")


@dataclass(frozen=True)
class Fence:
    language: str
    text: str


def fences(page: str) -> list[Fence]:
    return [Fence(match["language"], match["text"]) for match in FENCE.finditer(page)]


def prose(page: str) -> str:
    """The page without its fenced code."""
    return FENCE.sub("", page)


def spans(page: str) -> list[str]:
    return [" ".join(match[2].split()) for match in SPAN.finditer(prose(page))]


def links(page: str) -> list[str]:
    return _LINK.findall(prose(page))


def anchors(page: str) -> set[str]:
    """GitHub's anchors of the headings."""
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in _HEADING.findall(prose(page))}


def commands(page: str) -> Iterator[str]:
    """Lines after a prompt, and code spans that begin with one of PROGRAMS."""
    for fence in fences(page):
        if fence.language in _SHELLS:
            yield from _lines(fence.text)
    yield from (span for span in spans(page) if span.split()[0] in PROGRAMS and " " in span)


def _lines(text: str) -> Iterator[str]:
    """With prompts: each command after one, up to the end of its quotes. Without: every line."""
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

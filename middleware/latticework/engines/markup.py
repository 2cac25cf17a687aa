"""Which of a tokenizer's added tokens are markup: what delimits turns, calls and reasoning, and no client may send.

Most of them are flagged special; Qwen's `<tool_call>`, DeepSeek's `<｜User｜>` and Gemma 4's `<|"|>` are not. On the
other hand, some added tokens are ordinary text: Gemma 3 has one for each run of line breaks, and for HTML's tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

# Never markup: white space, which SentencePiece writes as ▁, and the switches that users may put into messages, such as
# GLM-4.5's `/nothink` and SmolLM3's `/no_think`. Nor a single character: any text with it would be cut there.
_NEVER = re.compile(r"[\s▁]+|/\w+|.|", re.DOTALL)
# Ordinary unless flagged special: words, in any script.
_WORDS = re.compile(r"[\w\s▁]+")
# Ordinary unless flagged special, or used by the chat template or the wire format: the tags of HTML's elements.
_TAG = re.compile(r"</?([a-z][a-z0-9]*)>")
# https://html.spec.whatwg.org/multipage/indices.html#elements-3, and Gemma 3's `bbox`.
_HTML = """
    a abbr address area article aside audio b base bbox bdi bdo blockquote body br button canvas caption center cite
    code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure font footer
    form h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark math
    menu meta meter nav noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp
    script search section select slot small source span strike strong style sub summary sup svg table tbody td template
    textarea tfoot th thead time title tr track tt u ul var video wbr
"""
_ELEMENTS = frozenset(_HTML.split())


def markup(added: Mapping[str, bool], template: str, wire: Iterable[str] = ()) -> frozenset[str]:
    """The texts of the added tokens that are markup.

    Args:
        added: the tokenizer's added tokens: text, and whether it is flagged special.
        template: the source of the model's chat template.
        wire: the texts of its wire format (`turngrammar.analysis.texts`).
    """
    used = "\n".join((template, *wire))
    return frozenset(text for text, flagged in added.items() if _is_markup(text, flagged, used))


def _is_markup(text: str, flagged: bool, used: str) -> bool:
    if _NEVER.fullmatch(text):
        return False
    if flagged:
        return True
    tag = _TAG.fullmatch(text)
    if tag and tag[1] in _ELEMENTS:
        return text in used
    return not _WORDS.fullmatch(text)


def pattern(texts: Iterable[str]) -> str:
    """A regex for the longest of the texts: fast for thousands, since it shares their prefixes."""
    trie: dict[str, Any] = {}
    for text in texts:
        node = trie
        for letter in text:
            node = node.setdefault(letter, {})
        node[""] = {}
    return _alternatives(trie)


def starts(texts: Iterable[str]) -> re.Pattern[str] | None:
    """Where any of the texts begins; None where there is none."""
    any_of = pattern(texts)
    return re.compile(f"(?={any_of})") if any_of else None


def cut_within(starts: re.Pattern[str] | None, text: str) -> list[str]:
    """A text in parts, none of which contains any of the texts that begin at `starts`: each has two characters."""
    cuts = [0, *(match.start() + 1 for match in starts.finditer(text)), len(text)] if starts else [0, len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


def _alternatives(node: dict[str, Any]) -> str:
    branches = [re.escape(letter) + _alternatives(below) for letter, below in node.items() if letter]
    if not branches:
        return ""
    if len(branches) == 1 and "" not in node:
        return branches[0]
    return f"(?:{'|'.join(branches)})" + ("?" if "" in node else "")

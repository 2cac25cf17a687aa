"""User-facing text is plain technical English: it uses none of the words in tests/docs/words.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.docs import texts, words
from tests.docs.words import UserText

Texts = Callable[[], Iterable[UserText]]

LATTICEWORK, TURNGRAMMAR = texts.SOURCES
# All of the code but the engines, so far.
AREAS = [*(path for path in sorted(LATTICEWORK.iterdir()) if path.name != "engines"), TURNGRAMMAR]


def everywhere(texts_in: Callable[[Path], Iterable[UserText]], folders: Iterable[Path]) -> Texts:
    return lambda: (text for folder in folders for text in texts_in(folder))


KINDS: dict[str, Texts] = {
    "pages": texts.pages,
    "playground": texts.playground,
    "generated parts": texts.generated_parts,
    "help texts": texts.help_texts,
    "metrics": texts.metrics,
    "openapi": texts.openapi,
    "log lines": everywhere(texts.log_lines, texts.SOURCES),
    "errors": everywhere(texts.errors, AREAS),
    "docstrings": everywhere(texts.docstrings, AREAS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_needs_a_second_reading(kind: str) -> None:
    hits = list(words.misused(KINDS[kind]()))
    assert not hits, "\n" + "\n".join(hits)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_texts(kind: str) -> None:
    assert any(text.text.strip() for text in KINDS[kind]())


def test_each_exception_is_used() -> None:
    every = [text for kind in KINDS.values() for text in kind()]
    assert [sentence for sentence in words.EXCEPTIONS if all(text.find(sentence) < 0 for text in every)] == []


def test_an_exception_covers_its_own_words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "EXCEPTIONS", {"it is told": "an example"})
    assert list(words.misused([UserText("a.md", "so it\nis told", 1)])) == []
    assert len(list(words.misused([UserText("a.md", "so it is told, and told again", 1)]))) == 1


def test_a_word_is_reported_with_its_line_and_its_replacement() -> None:
    text = UserText("a.md", "Plain.\nThe lines that ended are the\nsober ones.", 7)
    assert list(words.misused([text])) == ["a.md:9: 'sober': write representative"]


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no such model.",
        "The limit is no longer applied, and no more than 3 are kept.",
        "The page was not found; the whole answer is well-formed, as well as its calls.",
        "An object whose properties are optional.",
        "None of the retries succeeded: there are none left.",
    ],
)
def test_plain_english_passes(sentence: str) -> None:
    assert list(words.misused([UserText("a.md", sentence)])) == []

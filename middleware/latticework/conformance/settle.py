"""Which wire format a model writes: the first candidate that its chat template and its tokenizer don't contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from latticework.conformance.cases import CASES, Case
from latticework.conformance.fit import fit
from latticework.conformance.law import WHITESPACE, Breach, Trial
from latticework.conformance.transcript import NoTranscript, transcribe
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate
from latticework.prompt.inference import infer
from turngrammar.formats import FORMATS, Format, candidates, fenced
from turngrammar.turn import Mode

SELF_TEST = ("one call", "parallel calls", "thoughts, then a call", "a document")
"""The cases that a model is put to when it is loaded."""
DECISIVE = "one call"
"""The case that a format must pass to be used."""


@dataclass(frozen=True)
class Verdict:
    """What became of one turn.

    Attributes:
        case: its name.
        mode: the tool choice.
        breaches: what of the law does not hold; nothing where all of it does.
        skipped: why the turn was not tried, "" where it was.
    """

    case: str
    mode: Mode = "auto"
    breaches: tuple[Breach, ...] = ()
    skipped: str = ""

    @property
    def held(self) -> bool:
        return not self.skipped and not self.breaches


@dataclass(frozen=True)
class Settled:
    """How a model writes calls.

    Attributes:
        format: fitted to its chat template.
        reason: what speaks for it.
        verdicts: of the self-test.
        refused: what speaks against each of those that were tried before.
    """

    format: Format
    reason: str
    verdicts: tuple[Verdict, ...]
    refused: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        return "; ".join([self.reason, *self.refused])

    @property
    def tested(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.skipped)

    @property
    def untested(self) -> str:
        """Why turns were not tried: "" where all were."""
        return "; ".join(dict.fromkeys(verdict.skipped for verdict in self.verdicts if verdict.skipped))

    @property
    def held(self) -> int:
        """In how many of the turns that were tested all of the law holds."""
        return sum(verdict.held for verdict in self.verdicts)

    @property
    def breaches(self) -> tuple[tuple[Verdict, Breach], ...]:
        return tuple((verdict, breach) for verdict in self.verdicts for breach in verdict.breaches)


def settle(
    template: ChatTemplate,
    tokenizer: Tokenizer,
    asked: str | None = None,
    response_template: Mapping[str, Any] | None = None,
) -> Settled:
    """Takes a tenth of a second to one second. `asked`: the name of the format that the settings want."""
    if asked is not None:
        return _asked(template, tokenizer, asked)
    refused = []
    for format, why in _known(template, tokenizer, response_template):
        found = fit(template, tokenizer, tokenizer.ends, format)
        if found is None:
            refused.append(f"'{format.name}' is not what its chat template writes")
            continue
        verdicts = tuple(tried(template, tokenizer, found, SELF_TEST))
        decisive = next((one for one in _decisive(verdicts) if one.part != WHITESPACE), None)
        if decisive is None:
            return Settled(found, why, verdicts, tuple(refused))
        refused.append(f"'{format.name}' fails the self-test ({decisive.part}: {decisive.detail})")
    format, why = fenced(template.source, tokenizer.special_tokens)
    found = fit(template, tokenizer, tokenizer.ends, format) or format
    return Settled(found, why, tuple(tried(template, tokenizer, found, SELF_TEST)), tuple(refused))


def _decisive(verdicts: Sequence[Verdict]) -> Iterator[Breach]:
    for verdict in verdicts:
        if verdict.case == DECISIVE:
            yield from verdict.breaches


def _known(
    template: ChatTemplate, tokenizer: Tokenizer, response_template: Mapping[str, Any] | None
) -> Iterator[tuple[Format, str]]:
    """The candidates: formats of known families, then what the template itself tells of another."""
    yield from candidates(template.source, tokenizer.special_tokens)
    texts = {text for text, token_id in tokenizer.special_tokens.items() if token_id in tokenizer.ends}
    inferred, why = infer(template, texts, response_template)
    if inferred is not None:
        yield inferred, why


def _asked(template: ChatTemplate, tokenizer: Tokenizer, name: str) -> Settled:
    """The format that the settings want, also where the template writes another."""
    chosen = next(iter(candidates(template.source, tokenizer.special_tokens)), None)
    frames, _ = chosen or fenced(template.source, tokenizer.special_tokens)
    format = replace(FORMATS[name], reasoning=frames.reasoning)
    found = fit(template, tokenizer, tokenizer.ends, format)
    why = "the settings say so" if found else "the settings say so, and its chat template writes another"
    return Settled(found or format, why, tuple(tried(template, tokenizer, found or format, SELF_TEST)))


def tried(template: ChatTemplate, tokenizer: Tokenizer, format: Format, names: Sequence[str]) -> Iterator[Verdict]:
    """What becomes of the cases of these names, each under every tool choice that it has."""
    for case in CASES:
        if case.name in names:
            yield from _verdicts(template, tokenizer, format, case)


def _verdicts(template: ChatTemplate, tokenizer: Tokenizer, format: Format, case: Case) -> Iterator[Verdict]:
    try:
        transcript = transcribe(template, tokenizer, tokenizer.ends, format, case)
    except NoTranscript as reason:
        yield Verdict(case.name, skipped=str(reason))
        return
    for mode in case.modes:
        trial = Trial(format, tokenizer.vocabulary, case, transcript, mode)
        yield Verdict(case.name, mode, tuple(trial.breaches()))

"""Verify the rows of an emitter, and write them as a file of the corpus.

    python emitters/pydantic_models | python -m tests.turngrammar.schema.corpus.build pydantic

Of the values in a row from an emitter, its own validator accepts the valid ones. Here jsonschema-rs decides about all
of them, with the formats that the compiler asserts. A value about which they differ is left out, and named on stderr.
Neighbours of the valid values join them on either side: a member less, another type, a longer text.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs

from tests.turngrammar.schema.corpus import FOLDER
from tests.turngrammar.schema.corpus.neighbours import neighbours
from tests.turngrammar.schema.corpus.samples import samples
from tests.turngrammar.schema.corpus.standard import as_latest
from turngrammar.string_formats import FORMATS

MORE_VALID, MORE_INVALID, MOST_SAMPLES = 3, 5, 4
LONGEST = 400  # characters of a value that joins

UNASSERTED = {
    *("idn-email", "idn-hostname", "iri", "iri-reference", "json-pointer", "regex", "relative-json-pointer"),
    *("uri-reference", "uri-template"),
} - FORMATS.keys()  # jsonschema-rs knows these
FORMAT_CHECKS: dict[str, Callable[[str], bool]] = {
    **{name: jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid for name in FORMATS},
    **dict.fromkeys(UNASSERTED, lambda _: True),
}


def verified(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the values about which its emitter and jsonschema-rs agree, and their neighbours."""
    sampled = [] if row["valid"] else list(samples(row["schema"]))
    decide = judge({**row, "valid": row["valid"] + sampled})
    valid = [value for value in distinct(row["valid"]) if agreed(row["id"], value, decide(value))]
    valid += [value for value in distinct(sampled) if decide(value)][:MOST_SAMPLES]
    invalid = [value for value in distinct(row["invalid"]) if agreed(row["id"], value, not decide(value))]
    if not valid:
        print(f"{row['id']}: no valid value", file=sys.stderr)
    near = shuffled(row["id"], [value for given in valid for value in neighbours(given)])
    known = {text(value) for value in (*valid, *invalid)}
    near = [value for value in distinct(near) if text(value) not in known and len(text(value)) <= LONGEST]
    valid += islice((value for value in near if decide(value)), MORE_VALID)
    invalid += islice((value for value in near if not decide(value)), MORE_INVALID)
    return {**row, "valid": valid, "invalid": invalid}


def agreed(row_id: str, value: Any, agrees: bool) -> bool:
    if not agrees:
        print(f"{row_id}: jsonschema-rs differs about {text(value)}", file=sys.stderr)
    return agrees


def judge(row: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether jsonschema-rs accepts a value. Formats are asserted unless they exclude all valid ones."""
    schema = as_latest(row["schema"]) if row.get("dialect") == "unnamed" else row["schema"]
    strict = jsonschema_rs.validator_for(schema, validate_formats=True, formats=FORMAT_CHECKS).is_valid
    return strict if any(map(strict, row["valid"])) else jsonschema_rs.validator_for(schema).is_valid


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def distinct(values: Iterable[Any]) -> Iterator[Any]:
    return iter({text(value): value for value in values}.values())


def shuffled(seed: str, values: list[Any]) -> list[Any]:
    random.Random(seed).shuffle(values)
    return values


def main(name: str) -> None:
    rows = [verified(json.loads(line)) for line in sys.stdin]
    lines = "".join(f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows)
    (FOLDER / f"{name}.jsonl").write_text(lines, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

"""Requests whose answers a grammar alone can't make valid: 60 with checked keywords, 12 with validators in Python."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workload import Missing

BENCH = Path(__file__).resolve().parents[2] / "shared" / "data" / "jsonschemabench_dev.jsonl.gz"
# Schemas of that file with checked keywords, that an answer of 256 tokens can fit.
FROM_BENCH = (
    "Github_hard---o21075",
    "Github_hard---o62060",
    "JsonSchemaStore---aerleon-definitions.schema",
    "JsonSchemaStore---drupal-permissions",
    "JsonSchemaStore---micro",
    "JsonSchemaStore---micro-syntax",
    "JsonSchemaStore---vs-nesting",
)

WORD = {"type": "string", "minLength": 1, "maxLength": 20}
COUNT = {"type": "integer", "minimum": 1, "maximum": 9999}

# Lists of short texts, none twice.
TOPICS = (
    *("fruits", "vegetables", "colors", "animals", "rivers", "countries", "capital cities", "planets and moons"),
    *("musical instruments", "sports", "professions", "tools", "trees", "flowers", "languages", "dishes", "authors"),
    *("car makers", "chemical elements", "board games"),
)
# Lists of records, none twice.
RECORDS: Mapping[str, Mapping[str, Any]] = {
    "guests of a hotel": {"name": WORD, "room": COUNT},
    "books of a library": {"title": WORD, "author": WORD},
    "products of a shop": {"name": WORD, "price": COUNT},
    "trains of a station": {"to": WORD, "platform": {"type": "integer", "minimum": 1, "maximum": 12}},
    "players of a team": {"name": WORD, "number": {"type": "integer", "minimum": 1, "maximum": 99}},
    "dishes of a menu": {"dish": WORD, "price": COUNT},
    "pets of a shelter": {"name": WORD, "kind": {"enum": ["cat", "dog", "bird"]}},
    "servers of a network": {"host": WORD, "port": COUNT},
}
# Lists in which some items, at least two, are of a kind.
CONTAINED: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "a shopping list with 'milk' on it twice": (WORD, {"const": "milk"}),
    "words, some of which begin with the letter b": (WORD, {"pattern": "^b"}),
    "words, some of which end with the letter y": (WORD, {"pattern": "y$"}),
    "first names, some of which begin with Q": (WORD, {"pattern": "^Q"}),
    "file names, some of which end with .py": (WORD, {"pattern": "\\.py$"}),
    "short and long words": (WORD, {"minLength": 12}),
    "numbers, some above 9000": (COUNT, {"minimum": 9000}),
    "numbers, some of which end with 5": (COUNT, {"multipleOf": 5, "not": {"multipleOf": 10}}),
    "years, some of them before 1700": (COUNT, {"maximum": 1699}),
}
# Objects with at least five different keys.
MAPS = (
    "the stock of a fruit shop",
    "words and how often they occur",
    "cities and their inhabitants in thousands",
    "students and their points",
    "months and their sales",
    "rooms and their sizes",
)
# Texts that repeat a part of themselves, and numbers.
VALUES: Mapping[str, Mapping[str, Any]] = {
    "a saying that begins and ends with the same word": {"type": "string", "pattern": "^(\\w+) [\\w ]{3,40} \\1$"},
    "a word, then the same word, as in 'bye bye'": {"type": "string", "pattern": "^(\\w{2,9}) \\1$"},
    "a sentence in which a word is repeated at once": {"type": "string", "pattern": "^[\\w ]{1,30}(\\w{2,9}) \\1$"},
    "a name, a dash, and the same name": {"type": "string", "pattern": "^(\\w{2,9})-\\1$"},
    "a multiple of 7": {"type": "integer", "multipleOf": 7},
    "a multiple of 13": {"type": "integer", "multipleOf": 13},
    "a price that is a multiple of 0.07": {"type": "number", "multipleOf": 0.07},
    "a number that is not a multiple of 7": {"type": "integer", "not": {"multipleOf": 7}},
    "a number that is a multiple of 2 or of 7, but not of both": {
        "type": "integer",
        "oneOf": [{"multipleOf": 2}, {"multipleOf": 7}],
    },
    "a number that is a multiple of 3 or of 7, but not of both": {
        "type": "integer",
        "oneOf": [{"multipleOf": 3}, {"multipleOf": 7}],
    },
}


@dataclass(frozen=True)
class CheckedTask:
    """A request. `refuse`: raises ValueError for a value that the schema allows and the caller doesn't."""

    id: str
    kind: str
    prompt: str
    schema: Mapping[str, Any]
    refuse: Callable[[Any], None] | None = None


def checked_tasks() -> list[CheckedTask]:
    """Those whose schemas have checked keywords. Raises Missing without the file of the schemas in public use."""
    return [*_from_bench(), *written_tasks()]


def written_tasks() -> list[CheckedTask]:
    """Those that were written for this benchmark."""
    return [*_lists(), *_maps_and_values()]


def _from_bench() -> Iterator[CheckedTask]:
    if not BENCH.exists():
        raise Missing(f"skipped: ../shared/data/{BENCH.name} is not beside this checkout")
    with gzip.open(BENCH) as lines:
        rows = {row["id"]: row["schema"] for row in map(json.loads, lines)}
    for id in FROM_BENCH:
        yield CheckedTask(id, "public schemas", "Write a short example document.", rows[id])


def _lists() -> Iterator[CheckedTask]:
    for topic in TOPICS:
        schema = _array(WORD, least=8, most=10, uniqueItems=True)
        yield CheckedTask(topic, "unique texts", f"List eight {topic}, each once.", schema)
    for name, fields in RECORDS.items():
        schema = _array(_record(fields), least=5, most=6, uniqueItems=True)
        yield CheckedTask(name, "unique records", f"List five {name}, each once.", schema)
    for name, (item, contained) in CONTAINED.items():
        schema = _array(item, least=5, most=8, contains=contained, minContains=2)
        yield CheckedTask(name, "contained items", f"List five {name}; at least two of those.", schema)


def _maps_and_values() -> Iterator[CheckedTask]:
    for name in MAPS:
        keys = {"type": "object", "additionalProperties": COUNT, "minProperties": 5, "maxProperties": 7}
        yield CheckedTask(name, "least properties", f"Write {name} as an object with five keys.", keys)
    for name, schema in VALUES.items():
        yield CheckedTask(name, "texts and numbers", f"Write {name}.", schema)


def _array(item: Mapping[str, Any], *, least: int, most: int, **keywords: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most, **keywords}


def _record(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def validated_tasks() -> list[CheckedTask]:
    """Those whose values a function refuses, with a message that says what to do."""
    return [
        CheckedTask(name, "validators", prompt, _record(fields), _refusal(*rule))
        for name, prompt, fields, rule in _VALIDATED
    ]


def _refusal(holds: Callable[[Any], bool], message: Callable[[Any], str]) -> Callable[[Any], None]:
    def refuse(value: Any) -> None:
        if not holds(value):
            raise ValueError(message(value))

    return refuse


Rule = tuple[Callable[[Any], bool], Callable[[Any], str]]
_VALIDATED: Sequence[tuple[str, str, Mapping[str, Any], Rule]] = (
    (
        "range",
        "Choose two numbers, a smaller and a larger one.",
        {"start": COUNT, "end": COUNT},
        (lambda v: v["start"] < v["end"], lambda v: f"end is {v['end']}: it must be more than {v['start']}"),
    ),
    (
        "sum",
        "Add 250 and 320.",
        {"a": {"const": 250}, "b": {"const": 320}, "sum": COUNT},
        (lambda v: v["sum"] == 570, lambda v: "the sum must be 570"),
    ),
    (
        "total",
        "Order 3 pens at 4 dollars each.",
        {"item": WORD, "total": COUNT},
        (lambda v: v["total"] == 12, lambda v: f"total is {v['total']}: 3 pens at 4 dollars are 12 dollars"),
    ),
    (
        "passwords",
        "Choose a password, and write it again.",
        {"password": WORD, "again": WORD},
        (lambda v: v["password"] == v["again"], lambda v: f"again must be {v['password']!r} too"),
    ),
    (
        "different names",
        "Name a chess player and the opponent.",
        {"white": WORD, "black": WORD},
        (lambda v: v["white"] != v["black"], lambda v: "white and black must be different players"),
    ),
    (
        "title case",
        "Name a city in Europe.",
        {"city": WORD},
        (lambda v: v["city"].isupper(), lambda v: f"write the city in capitals: {v['city'].upper()!r}"),
    ),
    (
        "known city",
        "Choose a city.",
        {"city": WORD},
        (lambda v: v["city"] in ("Oslo", "Bergen"), lambda v: "the city must be 'Oslo' or 'Bergen'"),
    ),
    (
        "even",
        "Choose an odd or even number.",
        {"number": COUNT},
        (lambda v: v["number"] % 2 == 0, lambda v: f"{v['number']} is odd: choose {v['number'] + 1}"),
    ),
    (
        "budget",
        "Plan a dinner: its food and its drinks, in dollars.",
        {"food": COUNT, "drinks": COUNT},
        (lambda v: v["food"] + v["drinks"] <= 100, lambda v: "food and drinks together must be at most 100"),
    ),
    (
        "length",
        "Describe the weather in a word.",
        {"weather": WORD},
        (lambda v: len(v["weather"]) > 7, lambda v: "weather must have more than 7 letters, such as 'thunderstorm'"),
    ),
    (
        "initial",
        "Name a person.",
        {"first": WORD, "initial": {"type": "string", "pattern": "^[A-Z]$"}},
        (lambda v: v["first"].startswith(v["initial"]), lambda v: f"initial must be {v['first'][0]!r}"),
    ),
    (
        "rooms",
        "Book hotel rooms for five guests. A room has two beds.",
        {"guests": {"const": 5}, "rooms": {"type": "integer", "minimum": 1, "maximum": 9}},
        (lambda v: v["rooms"] == 3, lambda v: "five guests need 3 rooms"),
    ),
)

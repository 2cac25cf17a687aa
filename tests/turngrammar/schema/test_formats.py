"""Formats: what each accepts; the grammar, the check and another validator agree on it."""

from __future__ import annotations

import json
from random import Random

import jsonschema_rs
import pytest

from tests import shared
from tests.turngrammar.random_text import random_string
from turngrammar.audit import Acceptor
from turngrammar.lark import schema_grammar
from turngrammar.schema import compile_schema
from turngrammar.string_formats import FORMATS

STRINGS, LONGEST = 150, 300
LABEL = "x" * 63
HOST = f"{LABEL}.{LABEL}.{LABEL}.{'x' * 61}"

VALID = {
    "date": ["2024-02-29", "2000-02-29", "1999-12-31", "2023-04-30"],
    "time": ["12:00:00Z", "23:59:60Z", "08:30:06.283185+02:00"],
    "date-time": ["2024-02-29T12:00:00Z", "1963-06-19t08:30:06.283185z"],
    "duration": ["P4DT12H30M5S", "P1W", "PT0S"],
    "email": ["joe.bloggs@example.com", "a+b@c-d.org", f"{'x' * 64}@{HOST}", "a@[127.0.0.1]"],
    "hostname": ["example.com", "a", "a-b-c.d-e", "x1y2", LABEL, HOST],
    "ipv4": ["192.168.0.1", "0.0.0.0"],
    "ipv6": ["::1", "::", "2001:db8::8:800:200c:417a", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"],
    "uri": ["http://example.com/a?b#c", "urn:isbn:1", "mailto:a@b.c", "http://[::1]:80/", "http://[v1.x]"],
}
INVALID = {
    "date": ["2023-02-29", "1900-02-29", "2023-04-31", "2023-13-01", "23-01-01", "2023-01-01Z"],
    "time": ["24:00:00Z", "12:00:60Z", "12:00:00"],
    "date-time": ["2023-02-29T12:00:00Z", "2023-01-01 12:00:00Z"],
    "duration": ["P", "PT", "1D", "P1D1W"],
    "email": ["joe", "a..b@c.d", "@c.d", f"{'x' * 65}@c.d", f"a@{LABEL}x", f"a@{HOST}x"],
    "hostname": ["-a.com", "a_b.com", "", "a..b", "a-.b", "xn--4gbwdl", f"{LABEL}x", f"{HOST}x"],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4"],
    "ipv6": ["1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", ":2:3:4:5:6:7:8"],
    "uuid": ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638"],
    "uri": ["//foo.bar", "a b", "http://a b", "\\\\server", "http://[1]", "http://[::ffff:01.2.3.4]"],
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_grammar_and_check_agree(name: str) -> None:
    plan = compile_schema({"format": name, "type": "string"})
    acceptor = Acceptor(schema_grammar(plan.lowered))
    for text in VALID[name]:
        assert acceptor.accepts(json.dumps(text)), text
        assert plan.violations(text) == (), text
    for text in INVALID[name]:
        assert not acceptor.accepts(json.dumps(text)), text
        assert plan.violations(text), text


@pytest.mark.parametrize("suite", ["jsts_2020", "jsts_draft7"])
def test_nothing_invalid_passes(suite: str) -> None:
    for row in shared.rows(suite):
        name = row["schema"].get("format") if isinstance(row["schema"], dict) else None
        if row["format_assert"] and name in FORMATS:
            plan = compile_schema(row["schema"])
            acceptor = Acceptor(schema_grammar(plan.lowered))
            for test in row["tests"]:
                passed = plan.violations(test["data"]) == ()
                assert test["valid"] or not passed, test["data"]
                assert passed or not acceptor.accepts(json.dumps(test["data"], ensure_ascii=False)), test["data"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_another_validator_accepts_what_the_grammar_writes(name: str) -> None:
    rng = Random(7)
    plan = compile_schema({"format": name, "type": "string"})
    acceptor = Acceptor(schema_grammar(plan.lowered))
    validator = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
    for _ in range(STRINGS):
        text = random_string(FORMATS[name].language, rng, LONGEST)
        assert acceptor.accepts(json.dumps(text)), text
        assert validator.is_valid(text), text


def test_other_formats_are_annotations() -> None:
    plan = compile_schema({"type": "string", "format": "color"})
    assert plan.lowered == {"type": "string"}
    assert plan.exact
    assert [finding.status for finding in plan.report if finding.keyword == "format"] == ["annotation"]

"""Formats: what each accepts, and that llguidance's own accept no more."""

from __future__ import annotations

import json

import pytest

from tests import shared
from turngrammar.audit import Acceptor
from turngrammar.lark import schema_grammar
from turngrammar.schema import compile_schema
from turngrammar.string_formats import FORMATS

VALID = {
    "date": ["2024-02-29", "2000-02-29", "1999-12-31", "2023-04-30"],
    "time": ["12:00:00Z", "23:59:60Z", "08:30:06.283185+02:00"],
    "date-time": ["2024-02-29T12:00:00Z", "1963-06-19t08:30:06.283185z"],
    "duration": ["P4DT12H30M5S", "P1W", "PT0S"],
    "email": ["joe.bloggs@example.com", "a+b@c-d.org"],
    "hostname": ["example.com", "a", "xn--4gbwdl"],
    "ipv4": ["192.168.0.1", "0.0.0.0"],
    "ipv6": ["::1", "::", "2001:db8::8:800:200c:417a", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"],
    "uri": ["http://example.com/a?b#c", "urn:isbn:1", "mailto:a@b.c", "http://[::1]:80/"],
}
INVALID = {
    "date": ["2023-02-29", "1900-02-29", "2023-04-31", "2023-13-01", "23-01-01", "2023-01-01Z"],
    "time": ["24:00:00Z", "12:00:60Z", "12:00:00"],
    "date-time": ["2023-02-29T12:00:00Z", "2023-01-01 12:00:00Z"],
    "duration": ["P", "PT", "1D", "P1D1W"],
    "email": ["joe", "a..b@c.d", "@c.d"],
    "hostname": ["-a.com", "a_b.com", "", "a..b"],
    "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4"],
    "ipv6": ["1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", ":2:3:4:5:6:7:8"],
    "uuid": ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638"],
    "uri": ["//foo.bar", "a b", "http://a b", "\\\\server"],
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
def test_what_the_grammar_accepts_passes_the_check(suite: str) -> None:
    for row in shared.rows(suite):
        name = row["schema"].get("format") if isinstance(row["schema"], dict) else None
        if row["format_assert"] and name in FORMATS:
            plan = compile_schema(row["schema"])
            acceptor = Acceptor(schema_grammar(plan.lowered))
            for test in row["tests"]:
                accepted = acceptor.accepts(json.dumps(test["data"], ensure_ascii=False))
                assert not accepted or plan.violations(test["data"]) == (), test["data"]


def test_other_formats_are_annotations() -> None:
    plan = compile_schema({"type": "string", "format": "color"})
    assert plan.lowered == {"type": "string"}
    assert plan.exact
    assert [finding.status for finding in plan.report if finding.keyword == "format"] == ["annotation"]

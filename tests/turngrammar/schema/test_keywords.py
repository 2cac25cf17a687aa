"""The table of keywords agrees with the drafts, and a new keyword needs only a row and its functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema.exceptions import ValidationError
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from tests.docs import keywords as docs
from turngrammar import limits, regex
from turngrammar.audit import Acceptor
from turngrammar.errors import BeyondLimit, InvalidSchema
from turngrammar.formats import FORMATS
from turngrammar.lark import schema_grammar
from turngrammar.limits import Limits
from turngrammar.schema import SchemaPlan, compile_schema, forms, plan
from turngrammar.schema.dialect import DIALECTS
from turngrammar.schema.keyword_table import Keyword, KeywordTable, Stage
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.schema.load import Subschema
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, Shape, String
from turngrammar.turn import JsonContent, Turn

# Kept in newer meta-schemas, so that older schemas stay valid under them; they mean nothing there.
KEPT = {"2020-12": {"$recursiveRef", "$recursiveAnchor"}}
# Defined by drafts whose meta-schemas don't list them.
UNLISTED = {
    "draft4": {"$ref", "format"},
    "draft7": {"writeOnly"},
}


def meta_schema_keywords(dialect: str) -> set[str]:
    meta: Any = DIALECTS[dialect].validator.META_SCHEMA
    vocabularies = [REGISTRY[uri.replace("/vocab/", "/meta/")].contents for uri in meta.get("$vocabulary", ())]
    return {name for schema in (meta, *vocabularies) for name in schema.get("properties", ())}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_drafts_of_the_rows_are_those_of_the_meta_schemas(dialect: str) -> None:
    rows = {name for name, row in KEYWORDS.rows.items() if dialect in row.drafts}
    listed = meta_schema_keywords(dialect) - KEPT.get(dialect, set())
    assert rows == listed | UNLISTED.get(dialect, set())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_jsonschema_checks_every_keyword_that_asserts_something(dialect: str) -> None:
    """Save for those that it reads with another, and one that it drops too early."""
    asserting = {name for name, row in KEYWORDS.rows.items() if row.drafts and row.asserts(dialect)}
    if dialect in ("2019-09", "2020-12"):
        asserting.remove("dependencies")
    with_others = {name for name in asserting if KEYWORDS.rows[name].part_of}
    if dialect == "draft4":
        with_others |= {name for name in asserting if KEYWORDS.rows[name].only_beside}
    assert asserting - with_others == set(DIALECTS[dialect].validator.VALIDATORS)


@pytest.mark.parametrize("title", ["Core", "Applicator", "Unevaluated", "Validation", "Content", "Meta-data"])
def test_groups_are_the_vocabularies_of_the_latest_draft(title: str) -> None:
    contents = REGISTRY[f"https://json-schema.org/draft/2020-12/meta/{title.lower()}"].contents
    old = {"additionalItems"}
    assert set(KEYWORDS.groups[title]) - old == set(contents["properties"])


# A made-up keyword: strings that start with its value.


def lower_starts_with(reader: SchemaReader, node: Subschema, keyword: str, shape: Shape) -> Shape:
    language = regex.union(regex.compile_pattern(f"^{node.schema[keyword]}"))
    others = (NULL, BOOLEAN, NUMBER, ARRAY, OBJECT)
    allowed: Shape = (*others, String(languages=(language,)))
    return reader.attempt(node, keyword, shape, reader.algebra.meet, shape, allowed)


def assert_starts_with(
    table: KeywordTable, validator: Any, start: str, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not instance.startswith(start):
        yield ValidationError(f"{instance!r} doesn't start with {start!r}")


STARTS_WITH = Keyword(
    example={"startsWith": "ab"},
    form=forms.is_string,
    lower=lower_starts_with,
    stage=Stage.MEMBERS,
    rewritten="as pattern",
    check=assert_starts_with,
)
EACH_OF = Keyword(example={"eachOf": {"a": {}}}, holds="schemas by name")
SAMPLES = Keyword(example={"samples": [1]}, drafts=("draft7",), holds="data", form=forms.is_list)
CODES = Keyword(example={"codes": [1]}, form=forms.is_list, measure="values")

OWN = {"startsWith": STARTS_WITH, "eachOf": EACH_OF, "samples": SAMPLES, "codes": CODES}


@pytest.fixture
def own_keywords(monkeypatch: pytest.MonkeyPatch) -> KeywordTable:
    table = KeywordTable({**KEYWORDS.groups, "Own": OWN})
    monkeypatch.setattr(plan, "KEYWORDS", table)
    monkeypatch.setattr(limits, "KEYWORDS", table)
    return table


def statuses(compiled: SchemaPlan) -> dict[str, str]:
    return {f"{report.pointer}/{report.keyword}": report.status for report in compiled.report}


def test_without_its_row_a_keyword_is_an_annotation() -> None:
    compiled = compile_schema({"type": "string", "startsWith": "ab"})
    assert compiled.lowered == {"type": "string"}
    assert statuses(compiled)["/startsWith"] == "annotation"


@pytest.mark.usefixtures("own_keywords")
def test_a_row_lowers_checks_and_reports_its_keyword() -> None:
    compiled = compile_schema({"startsWith": "ab", "type": ["string", "null"]})
    assert compiled.exact
    acceptor = Acceptor(schema_grammar(compiled.lowered))
    assert [acceptor.accepts(text) for text in ('"abc"', "null", '"b"', "1")] == [True, True, False, False]
    assert [violation.keyword for violation in compiled.violations("b")] == ["startsWith"]
    assert compiled.violations("abc") == compiled.violations(None) == ()
    assert statuses(compiled) == {"/startsWith": "rewritten", "/type": "enforced"}


@pytest.mark.usefixtures("own_keywords")
def test_a_row_is_combined_with_others() -> None:
    compiled = compile_schema({"not": {"startsWith": "ab"}, "enum": ["abc", "b"]})
    assert compiled.lowered == {"const": "b"}


@pytest.mark.usefixtures("own_keywords")
def test_a_row_with_subschemas_has_them_reported_and_referred_to() -> None:
    compiled = compile_schema({"$ref": "#/eachOf/a~1b", "eachOf": {"a/b": {"startsWith": "ab"}}})
    assert statuses(compiled) == {"/$ref": "enforced", "/eachOf": "annotation", "/eachOf/a~1b/startsWith": "rewritten"}
    assert compiled.violations("b")


def test_the_form_of_a_value_comes_from_the_row(own_keywords: KeywordTable) -> None:
    assert forms.malformed({"startsWith": "ab"}, DIALECTS["draft7"], own_keywords) == []
    assert forms.malformed({"startsWith": 1}, DIALECTS["draft7"], own_keywords) == ["startsWith"]
    with pytest.raises(InvalidSchema):
        compile_schema({"eachOf": {"a": {"type": 1}}})


@pytest.mark.usefixtures("own_keywords")
def test_limits_follow_the_row() -> None:
    small = Limits(128, 128, 128, 2, 128, 128, no_client_grammars=False)

    def check(schema: Any) -> None:
        limits.check_limits(Turn(FORMATS["hermes"], content=JsonContent(schema, "/schema")), small)

    check({"samples": [{"enum": [1, 2, 3]}]})
    check({"eachOf": {"enum": {}, "codes": {}}})
    with pytest.raises(BeyondLimit):
        check({"eachOf": {"a": {"codes": [1, 2, 3]}}})
    with pytest.raises(BeyondLimit):
        check({"other": [{"enum": [1, 2, 3]}]})


@pytest.mark.usefixtures("own_keywords")
def test_a_row_has_its_row_in_the_documentation() -> None:
    assert docs.section("Own", OWN).splitlines() == [
        "### Own",
        "",
        "| keyword | drafts | how it is enforced | exceptions |",
        "| --- | --- | --- | --- |",
        "| `startsWith` | all | rewritten, as pattern |  |",
        "| `eachOf` | all | annotation |  |",
        "| `samples` | 7 | annotation |  |",
        "| `codes` | all | annotation |  |",
    ]

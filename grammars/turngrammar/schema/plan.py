"""A compiled schema: the text for the grammar, the check of the finished document, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from jsonschema.protocols import Validator

from turngrammar.cache import Cache
from turngrammar.errors import InvalidSchema, RefusedSchema
from turngrammar.lazy_fields import LazyFields
from turngrammar.scan import dump_json, load_long_numbers
from turngrammar.schema.arrange import arrange
from turngrammar.schema.check import Violation, find_violations, make_validator
from turngrammar.schema.closing import is_closed
from turngrammar.schema.dialect import DIALECTS, declares_dialect
from turngrammar.schema.endless import refuse_endless
from turngrammar.schema.grounding import has_spans, quotations, ungrounded
from turngrammar.schema.impossible import contradiction
from turngrammar.schema.inhabited import Inhabited
from turngrammar.schema.items import resolved
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.schema.load import DEFAULTS, Options, Schema, Source, Subschema
from turngrammar.schema.lower import Lowered, Lowering
from turngrammar.schema.normalize import normalize
from turngrammar.schema.operations import OPERATIONS, READERS, WRITERS
from turngrammar.schema.places import Place
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.report import KeywordReport, report_keywords
from turngrammar.spans import Quotation

CONDITIONS = frozenset(("not", "if"))  # subschemas of which a document need not be

CACHED = 8 * 2**20  # characters of schemas


@dataclass(frozen=True)
class SchemaPlan(LazyFields):
    """A compiled schema.

    Attributes:
        schema: the source, normalized.
        lowered: the same in the normal form of `lower`, from which the grammar is written. It allows every document
            that the source allows, except for the limits in `Options`, objects that they close, and alternative
            notations of numbers.
        exact: it allows no other document, so no keyword is only checked.
        dialect: the schema's draft, as in `Options.dialect`.
        report: how each keyword is enforced, in document order.
    """

    LAZY = ("schema", "lowered", "report")

    schema: Schema
    lowered: Lowered
    exact: bool
    options: Options
    dialect: str
    report: tuple[KeywordReport, ...] = field(repr=False)

    @cached_property
    def _validator(self) -> Validator:
        allows_nullable = not declares_dialect(self.schema)
        return make_validator(self.schema, self.dialect, self.options, KEYWORDS, allows_nullable=allows_nullable)

    def arrange(self, instance: Any) -> Any:
        """The same document with its keys in the order of the grammar."""
        return arrange(instance, self.lowered)

    def violations(self, instance: Any) -> tuple[Violation, ...]:
        """The violations of a finished document, by jsonschema against the source; () if it is valid."""
        found = find_violations(self._validator, instance)
        if found or not self.quotes:
            return found
        return tuple(ungrounded(instance, self.lowered, self.options.texts or ()))

    def quotations(self, instance: Any) -> Mapping[str, Quotation]:
        """Where the spans of a finished document stand, by JSON pointer."""
        return quotations(instance, self.lowered, self.options.texts or ()) if self.quotes else {}

    @cached_property
    def quotes(self) -> bool:
        """Whether any string has to be a span."""
        return self.options.texts is not None and has_spans(self.lowered)


COMPILED: Cache[tuple[str, Options], SchemaPlan] = Cache(CACHED, lambda key, plan: len(key[0]))


def compile_schema(schema: Schema, options: Options = DEFAULTS) -> SchemaPlan:
    """Compile a schema. Pure and deterministic; plans are cached by the schema's text.

    Raises:
        InvalidSchema: meta-validation fails, a reference refers to nothing, or a pattern is invalid.
        RefusedSchema: a remote reference, an unknown dialect, or, as ImpossibleSchema, a schema that no document fits.
    """
    try:
        text = dump_json(schema)
    except ValueError as error:
        raise InvalidSchema("NaN is not a JSON number.") from error
    return COMPILED.get((text, options), lambda: _compile_text(text, options))


def normalized(schema: Schema, options: Options = DEFAULTS) -> Schema:
    """The schema as it is read, in linear time; the same if its draft allows all that it has.

    Raises:
        InvalidSchema: a keyword that can't be read.
        RefusedSchema: an unknown dialect, or excessive nesting.
    """
    read: Schema = normalize(schema, DIALECTS[options.dialect], KEYWORDS, patterns=False).places[0].schema
    return read


def _compile_text(text: str, options: Options) -> SchemaPlan:
    source = Source(load_long_numbers(text), options, KEYWORDS)
    refuse_endless(source, options)
    reader = SchemaReader(source, options, READERS, OPERATIONS)
    lowering = Lowering(reader.algebra, reader.ledger, options, WRITERS)
    try:
        root = reader.read(source.root)
        lowered = lowering.document(root)
    except RecursionError as error:
        raise RefusedSchema("Subschemas nest too deeply to be compiled. Move the inner ones to $defs.") from error
    if not options.open_objects and not reader.lists_all_names:
        return _compile_text(text, replace(options, open_objects=True))
    if lowered is False:
        raise contradiction(source, partial(_has_documents, source, options))
    exact = reader.ledger.clear and reader.algebra.exact(root)
    impossible = partial(_impossible, reader, lowering.inhabited)
    closed = partial(_closed_by_default, reader, lowering.inhabited)
    reports = report_keywords(source, reader.ledger, options, impossible, closed)
    return SchemaPlan(source.schema, lowered, exact, replace(options, vocabulary=None), source.dialect.name, reports)


def _has_documents(source: Source, options: Options, node: Subschema) -> bool:
    """Whether any document fits the subschema."""
    reader = SchemaReader(source, options, READERS, OPERATIONS)
    return Lowering(reader.algebra, reader.ledger, options, WRITERS).document(reader.read(node)) is not False


def _closed_by_default(reader: SchemaReader, inhabited: Inhabited, place: Place) -> bool:
    """Whether the objects of a subschema are closed as those of the one that applies to the same value as a whole."""
    whole = place
    while whole.above is not None and whole.depth and reader.keywords.rows[whole.path[0]].in_place:
        if whole.path[0] in CONDITIONS:
            return False
        whole = whole.above
    shape = reader.known(whole.schema)
    return shape is not None and is_closed(inhabited, resolved(reader.algebra, shape))


def _impossible(reader: SchemaReader, inhabited: Inhabited, schema: Any) -> bool:
    """Whether no value fits a subschema that has been read; `inhabited` lacks what only unused ones refer to."""
    shape = reader.known(schema)
    if shape is None or inhabited.shape(shape):
        return False
    return not Inhabited(reader.algebra, shape).shape(shape)

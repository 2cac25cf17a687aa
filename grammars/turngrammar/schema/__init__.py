"""JSON Schema, compiled to a grammar and a check of the finished document."""

from turngrammar.schema.check import Violation
from turngrammar.schema.load import Options, Schema
from turngrammar.schema.plan import SchemaPlan, compile_schema, normalized
from turngrammar.schema.report import KeywordReport, Status

__all__ = [
    "KeywordReport",
    "Options",
    "Schema",
    "SchemaPlan",
    "Status",
    "Violation",
    "compile_schema",
    "normalized",
]

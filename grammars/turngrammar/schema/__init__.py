"""JSON Schema: what a grammar can enforce of it, and what the finished document is checked against."""

from turngrammar.schema.check import Violation
from turngrammar.schema.load import Options, Schema
from turngrammar.schema.plan import SchemaPlan, compile_schema
from turngrammar.schema.report import KeywordReport, Status

__all__ = [
    "KeywordReport",
    "Options",
    "Schema",
    "SchemaPlan",
    "Status",
    "Violation",
    "compile_schema",
]

"""JSON Schema: what a grammar can enforce of it, and what the finished document is checked against."""

from grammars.schema.check import Violation
from grammars.schema.load import Schema
from grammars.schema.options import Options
from grammars.schema.plan import SchemaPlan, compile_schema
from grammars.schema.report import Finding, Status

__all__ = [
    "Finding",
    "Options",
    "Schema",
    "SchemaPlan",
    "Status",
    "Violation",
    "compile_schema",
]

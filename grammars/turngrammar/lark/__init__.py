"""The first reading of a wire tree: nodes -> llguidance Lark, for generation."""

from turngrammar.lark.json_values import schema_grammar
from turngrammar.lark.rules import CompiledTool, GrammarContext
from turngrammar.lark.writer import write_grammar

__all__ = ["CompiledTool", "GrammarContext", "schema_grammar", "write_grammar"]

"""The first reading of a wire tree: nodes -> llguidance Lark, for generation."""

from turngrammar.lark.rules import Filling, Offer
from turngrammar.lark.writer import write_grammar

__all__ = ["Filling", "Offer", "write_grammar"]

"""The first reading of a wire tree: nodes -> llguidance Lark, for generation."""

from turngrammar.lark.writer import Filling, Offer, write

__all__ = ["Filling", "Offer", "write"]

"""The second reading of a wire tree: text -> events, for any chunking of the text."""

from turngrammar.parser.parser import Parser

__all__ = ["Parser"]

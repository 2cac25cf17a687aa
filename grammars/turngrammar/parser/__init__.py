"""The second reading of a wire tree: text -> events, for any chunking of the text."""

from turngrammar.parser.parser import MOST_NAME, Parser

__all__ = ["MOST_NAME", "Parser"]

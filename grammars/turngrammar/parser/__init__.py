"""The second reading of a wire tree: text -> events, for any chunking of the text."""

from turngrammar.parser.parser import MAX_NAME, Parser

__all__ = ["MAX_NAME", "Parser"]

"""A document that was cut, closed: by the shortest text behind which it fits its schema."""

from grammars.closing.closing import Closer
from grammars.closing.missing import Missing, missing
from grammars.closing.shortest import Shortest

__all__ = ["Closer", "Missing", "Shortest", "missing"]

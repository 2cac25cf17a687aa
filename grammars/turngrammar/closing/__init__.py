"""A document that was cut, closed: by the shortest text behind which it fits its schema."""

from turngrammar.closing.closing import Closer
from turngrammar.closing.missing import Missing, missing
from turngrammar.closing.shortest import Shortest

__all__ = ["Closer", "Missing", "Shortest", "missing"]

"""Wire formats: one constant per model family, their table, and the choice among them."""

from turngrammar.formats.choice import candidates, choose, fenced
from turngrammar.formats.format import Format, Frame
from turngrammar.formats.json_tags import FENCED, HERMES
from turngrammar.formats.table import FORMATS

__all__ = ["FENCED", "FORMATS", "HERMES", "Format", "Frame", "candidates", "choose", "fenced"]

"""Wire formats: one constant per model family, the table of them, and the choice among them."""

from grammars.formats.choice import candidates, choose, fenced
from grammars.formats.format import Format, Frame
from grammars.formats.json_tags import FENCED, HERMES
from grammars.formats.table import FORMATS

__all__ = ["FENCED", "FORMATS", "HERMES", "Format", "Frame", "candidates", "choose", "fenced"]

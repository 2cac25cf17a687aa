"""The table of wire formats, one constant per model family."""

from __future__ import annotations

from collections.abc import Mapping

from grammars.formats.format import Format
from grammars.formats.hermes import HERMES

__all__ = ["FORMATS", "HERMES", "Format"]

FORMATS: Mapping[str, Format] = {format.name: format for format in (HERMES,)}

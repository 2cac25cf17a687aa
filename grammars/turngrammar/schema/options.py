"""What a caller may choose about a compilation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Attributes:

    dialect: for schemas without `$schema`: draft4, draft6, draft7, 2019-09 or 2020-12.
    assert_formats: formats that are known are asserted. False makes each an annotation, as drafts since 2019-09
        have it by default.
    digits: of whole numbers that the schema leaves unbounded, so that a small model doesn't print 400 of them. 18
        digits hold every 59-bit number; a bound of the schema's own that lies farther out takes its place.
    """

    dialect: str = "2020-12"
    assert_formats: bool = True
    digits: int = 18


DEFAULTS = Options()

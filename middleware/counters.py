"""What an app counts of its own work, for `/health`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counters:
    """Since the app was made.

    Attributes:
        broken_guarantees: finished answers that broke their own grammar, none of which was passed on: each is a bug.
        regenerations: answers that broke a keyword which can only be checked, and were generated again.
        malformed: answers that left their wire format.
    """

    broken_guarantees: int = 0
    regenerations: int = 0
    malformed: int = 0

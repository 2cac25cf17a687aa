"""Generated letters with orders, the same in each run: the default input of examples/extract.py."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

NAMES = (
    "Ada Lovelace",
    "Jürgen Weiß",
    "Grace Hopper",
    "María José Núñez",
    "Ngũgĩ Kamau",
    "Siobhán O'Neill",
    "Wei Chen",
)
CITIES = ("Bergen", "Köln", "Valparaíso", "Nairobi", "Galway", "Sapporo", "Montréal")
ARTICLES = ("desk lamp", "oak chair", "wool blanket", "tea pot", "garden hose", "bread knife", "paper lantern")
OPENINGS = (
    "Good morning! We met at the fair last week.",
    "I have been a customer of yours for years, and never had a reason to complain.",
    "My sister recommended you.",
    "Please take this as an order, not as a question.",
)
CLOSINGS = (
    "If anything is sold out, leave it out.",
    "You can ring me up before noon.",
    'The driver should know that the bell says "Office", not my name.',
    "Many thanks!",
)


def letters(count: int = 200, seed: int = 1) -> Iterator[tuple[str, str]]:
    """`count` pairs of name and text."""
    rng = random.Random(seed)
    for number in range(1, count + 1):
        yield f"letter-{number:03}", _letter(rng)


def _letter(rng: random.Random) -> str:
    articles = rng.sample(ARTICLES, rng.randint(1, 3))
    wanted = ", ".join(f"{rng.randint(1, 12)} x {article}" for article in articles)
    day = date(2026, 1, 1) + timedelta(days=rng.randrange(365))
    until = f"I need it by {day:%d.%m.%Y}." if rng.random() < 0.7 else "There is no hurry."
    return (
        f"{rng.choice(OPENINGS)} I would like to have: {wanted}. Send it to {rng.choice(CITIES)}. {until} "
        f"{rng.choice(CLOSINGS)}\n{rng.choice(NAMES)}"
    )

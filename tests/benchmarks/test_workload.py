"""What the benchmarks ask is what they say that they ask."""

from __future__ import annotations

from collections import Counter

from jsonschema import Draft202012Validator

from benchmarks import workload
from benchmarks.latency import with_new_schema
from benchmarks.results import table


def test_the_corpus_is_sixty_documents_over_twelve_schemas() -> None:
    tasks = workload.extraction()
    assert Counter(Counter(task.kind for task in tasks).values()) == {5: 12}
    for task in tasks:
        Draft202012Validator.check_schema(task.body["response_format"]["json_schema"]["schema"])


def test_a_part_of_it_is_a_mixture() -> None:
    assert len({task.kind for task in workload.extraction(12)}) == 12


def test_an_unseen_schema_is_another_one_each_time() -> None:
    task = workload.extraction(1)[0]
    schemas = [str(made.body["response_format"]) for made in (task, with_new_schema(task), with_new_schema(task))]
    assert len(set(schemas)) == 3


def test_rows_are_taken_from_everywhere() -> None:
    assert workload.spread(range(10), 3) == [0, 3, 6]
    assert workload.spread(range(2), 3) == [0, 1]


def test_a_table_is_aligned() -> None:
    assert table(["", "n"], [["long", "1"]]) == "|      | n |\n| ---- | - |\n| long | 1 |"

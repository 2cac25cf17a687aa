"""The specification's own tests of all drafts, from a checkout of JSON-Schema-Test-Suite.

    python -m tests.turngrammar.schema.specification JSON-Schema-Test-Suite

Prints each group that is neither exact nor checked, and a row of outcomes for each draft and kind of group. Formats are
asserted in the groups of kind `format`, the optional ones about formats, and annotations in all others.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tests.docs.made import table
from turngrammar.audit import AuditResult, Outcome, audit_schema
from turngrammar.schema import Options

FOLDERS = {
    "draft4": "draft4",
    "draft6": "draft6",
    "draft7": "draft7",
    "draft2019-09": "2019-09",
    "draft2020-12": "2020-12",
}
KINDS = ("mandatory", "optional", "format")


@dataclass(frozen=True)
class Group:
    """A schema with its instances."""

    file: str
    dialect: str
    kind: str
    description: str
    schema: Any
    tests: list[dict[str, Any]]

    def audit(self) -> AuditResult:
        valid = [test["data"] for test in self.tests if test["valid"]]
        invalid = [test["data"] for test in self.tests if not test["valid"]]
        return audit_schema(self.schema, valid, invalid, Options(self.dialect, assert_formats=self.kind == "format"))


def groups(checkout: Path) -> Iterator[Group]:
    for folder, dialect in FOLDERS.items():
        for path in sorted((checkout / "tests" / folder).rglob("*.json")):
            file = path.relative_to(checkout / "tests")
            kind = "format" if "format" in file.parts else "optional" if "optional" in file.parts else "mandatory"
            for group in json.loads(path.read_text("utf-8")):
                yield Group(str(file), dialect, kind, group["description"], group["schema"], group["tests"])


def main(checkout: Path) -> None:
    outcomes: Counter[tuple[str, str, str]] = Counter()
    for group in groups(checkout):
        result = group.audit()
        outcomes[group.dialect, group.kind, result.outcome] += 1
        if result.outcome not in ("exact", "checked"):
            print(f"{result.outcome}: {group.file}: {group.description}: {result.detail}")
    names = get_args(Outcome)
    rows = [
        (dialect, kind, *(str(outcomes[dialect, kind, name]) for name in names))
        for dialect in FOLDERS.values()
        for kind in KINDS
    ]
    print(table(("draft", "groups", *names), rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

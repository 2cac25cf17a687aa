"""`make docs`, or `python -m tests.docs`: regenerates the generated parts of README.md and docs/*.md."""

from __future__ import annotations

from tests.docs.made import PAGES, ROOT, rewritten
from tests.docs.parts import PARTS


def main() -> None:
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = rewritten(before, PARTS)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"{page.relative_to(ROOT)} regenerated")


if __name__ == "__main__":
    main()

"""README.md and docs/ against the code: some parts are generated from it, and the rest names only what exists."""

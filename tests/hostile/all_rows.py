"""All rows, by the module that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.hostile import anthropic, grammars, limits, messages, parameters, schemas, tools
from tests.hostile.row import Row

MODULES = (parameters, schemas, grammars, limits, tools, messages, anthropic)
ROWS: Mapping[str, Sequence[Row]] = {module.__name__.rpartition(".")[2]: tuple(module.rows()) for module in MODULES}
ALL: Sequence[Row] = tuple(row for rows in ROWS.values() for row in rows)

"""Shapes written as the JSON Schema that llguidance enforces, in a normal form: each node is `{}`, `$ref`, `anyOf`,
`const` or `enum`, or one `type` with that type's own keywords.

Shapes that occur in several places, and definitions that are referred to, stand once under `$defs`. What llguidance
can't enforce is left out here and noted as checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from turngrammar.schema import regex
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.alive import Alive
from turngrammar.schema.counts import spelled
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.large import literal, refusal, writable
from turngrammar.schema.numbers import lower_number, plain
from turngrammar.schema.objects import values
from turngrammar.schema.options import Options
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import (
    EVERY_TYPE,
    AnyPiece,
    Array,
    Boolean,
    Null,
    Number,
    Object,
    Piece,
    Ref,
    Shape,
    Text,
    Words,
)
from turngrammar.schema.usage import Usage

Lowered = dict[str, Any] | bool

COUNTED_ITEMS = 1000  # each is a symbol of llguidance's grammar, which has room for 65,000
COUNTED_CHARACTERS = 1_000_000
COUNTED = 8  # repetitions; fewer don't hurt


class Lowering:
    """Writes one document. `$defs` fill up while shapes are written."""

    def __init__(self, algebra: Algebra, ledger: Ledger, options: Options) -> None:
        self.algebra = algebra
        self.ledger = ledger
        self.options = options
        self.definitions: dict[str, Lowered] = {}
        self._shared: dict[object, str] = {}
        self._pending: list[str] = []  # definitions referred to; written one after the other, not within each other

    def document(self, root: Shape) -> Lowered:
        """The whole schema; False where nothing can fit."""
        self.alive = Alive(self.algebra, root)
        self.usage = Usage(self.algebra, root)
        body = self.shape(root)
        for name in self._pending:
            self.definitions[name] = self._write(self.algebra.resolve(Ref(name=name)))
        if not self.definitions or isinstance(body, bool):
            return body
        return {**body, "$defs": self.definitions}

    def shape(self, shape: Shape) -> Lowered:
        """One node."""
        if not self.alive.shape(shape):
            return False
        if not self.usage.repeats(shape):
            return self._write(shape)
        return self._once(id(shape), lambda: self._write(shape))

    def _once(self, key: object, write: Callable[[], Lowered]) -> dict[str, Any]:
        """A reference to what is written at its first use."""
        if key not in self._shared:
            name = self._shared[key] = f"shared:{len(self._shared)}"
            self.definitions[name] = False  # keeps the place: definitions stand in the order of first use
            self.definitions[name] = write()
        return _reference(self._shared[key])

    def _write(self, shape: Shape) -> Lowered:
        if len(shape) >= len(EVERY_TYPE) and set(shape) >= set(EVERY_TYPE):
            return {}
        constants: list[Any] = []
        nodes: list[dict[str, Any]] = []
        for piece in self._written(shape):
            if isinstance(piece, AnyPiece):
                return {}
            values = _constants(piece)
            constants.extend(values)
            nodes.extend([] if values else self._piece(piece))
        if constants:
            nodes.insert(0, {"const": constants[0]} if len(constants) == 1 else {"enum": constants})
        return _one_of(nodes)

    def _written(self, shape: Shape) -> list[Piece]:
        """The pieces that can be written. Raises RefusedSchema for a number that can't, or where nothing else is left.

        Beside others, whole numbers too large are left out as all are that have more digits than `Options` says.
        """
        alive = [piece for piece in shape if self.alive.piece(piece)]
        beyond = [piece for piece in alive if isinstance(piece, Number) and not writable(piece)]
        if beyond and (len(beyond) == len(alive) or any(piece.single for piece in beyond)):
            raise refusal(self.ledger.source, next((piece for piece in beyond if piece.single), beyond[0]))
        return [piece for piece in alive if piece not in beyond]

    def _piece(self, piece: Piece) -> list[dict[str, Any]]:
        if self.usage.recurs(piece):
            return [self._once(piece, lambda: _one_of(_WRITE[type(piece)](self, piece)))]
        return _WRITE[type(piece)](self, piece)

    def reference(self, piece: Ref) -> list[dict[str, Any]]:
        if piece.name not in self.definitions:
            self.definitions[piece.name] = False
            self._pending.append(piece.name)
        return [_reference(piece.name)]

    def number(self, piece: Number) -> list[dict[str, Any]]:
        return lower_number(piece, self.options.digits, self.ledger)

    def text(self, piece: Text) -> list[dict[str, Any]]:
        node: dict[str, Any] = {"type": "string"}
        self._length(node, piece)
        native = [name for name in piece.formats if FORMATS[name].native]
        spelled_out = [FORMATS[name].language for name in piece.formats if not FORMATS[name].native]
        patterns = [regex.pattern(language) for language in (*piece.languages, *spelled_out)]
        more = [{"format": name} for name in native[1:]] + [{"pattern": pattern} for pattern in patterns[1:]]
        if native:
            node["format"] = native[0]
        if patterns:
            node["pattern"] = patterns[0]
        if more:
            node["allOf"] = [{"type": "string", **one} for one in more]
        return [node]

    def _length(self, node: dict[str, Any], piece: Text) -> None:
        reason = ""
        if piece.least:
            node["minLength"] = min(piece.least, COUNTED_CHARACTERS)
        if piece.most is not None and any(map(_entangled, piece.languages)):
            reason = "beside a pattern that counts, it exhausts llguidance's lexer"
        elif piece.most is not None and piece.most <= COUNTED_CHARACTERS:
            node["maxLength"] = piece.most
        if max(piece.least, piece.most or 0) > COUNTED_CHARACTERS:
            reason = f"the grammar counts {COUNTED_CHARACTERS} characters at most"
        if reason:
            self.ledger.check_everywhere(("minLength", "maxLength"), reason)

    def array(self, piece: Array) -> list[dict[str, Any]]:
        node: dict[str, Any] = {"type": "array"}
        if piece.prefix:
            node["prefixItems"] = [self.shape(item) for item in piece.prefix]
        rest = self.shape(piece.rest)
        if rest != {}:
            node["items"] = rest
        if piece.least:
            node["minItems"] = min(piece.least, COUNTED_ITEMS)
        if piece.most is not None and rest is not False and piece.most <= COUNTED_ITEMS:
            node["maxItems"] = piece.most
        if rest is not False and max(piece.least, piece.most or 0) > COUNTED_ITEMS:
            self.ledger.check_everywhere(("minItems", "maxItems"), f"the grammar counts {COUNTED_ITEMS} items at most")
        return [node]

    def object(self, piece: Object) -> list[dict[str, Any]]:
        return [self._members(one) for one in spelled(piece, self.alive, self.ledger)]

    def _members(self, piece: Object) -> dict[str, Any]:
        node: dict[str, Any] = {"type": "object"}
        known = dict(piece.properties)
        names = [*known, *(name for name in piece.required if name not in known)]
        if names:
            node["properties"] = dict(zip(names, map(self.shape, values(piece, names)), strict=True))
        if piece.patterns:
            languages = ((_beside(language, names), shape) for language, shape in piece.patterns)
            node["patternProperties"] = {
                regex.pattern(language): self.shape(shape) for language, shape in languages if language != regex.NEVER
            }
        rest = self.shape(piece.rest)
        if rest != {}:
            node["additionalProperties"] = rest
        if piece.required:
            node["required"] = list(piece.required)
        if piece.least > len(piece.required):
            node["minProperties"] = piece.least
        if piece.most is not None:
            node["maxProperties"] = piece.most
        return node


def _entangled(node: regex.Language, repeated: bool = False) -> bool:
    """Whether a counted repetition holds an open-ended one: its states multiply with those of a length."""
    if node.kind != "repeat":
        return any(_entangled(part, repeated) for part in node.parts)
    least, most = node.data
    if repeated and most is None:
        return True
    return _entangled(node.parts[0], repeated or max(least, most or 0) >= COUNTED)


def _beside(language: regex.Language, names: list[str]) -> regex.Language:
    """The pattern without the listed names, to which llguidance would apply it again, and can't where they recurse."""
    matching = [name for name in names if regex.automaton(language).matches(name)]
    if not matching:
        return language
    return regex.plain(regex.meet(language, regex.negate(regex.words(matching)))) or language


def _one_of(nodes: list[dict[str, Any]]) -> Lowered:
    if not nodes:
        return False
    return nodes[0] if len(nodes) == 1 else {"anyOf": nodes}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _constants(piece: Piece) -> list[Any]:
    """The values of a piece that is a list of them."""
    if isinstance(piece, Words):
        return list(piece.values)
    if isinstance(piece, Boolean) and len(piece.values) == 1:
        return list(piece.values)
    if isinstance(piece, Number) and piece.low is not None and piece.single:
        return [plain(piece.low)] if literal(piece.low) else []
    return []


_WRITE: dict[type[Piece], Callable[..., list[dict[str, Any]]]] = {
    Null: lambda lowering, piece: [{"type": "null"}],
    Boolean: lambda lowering, piece: [{"type": "boolean"}],
    Number: Lowering.number,
    Text: Lowering.text,
    Array: Lowering.array,
    Object: Lowering.object,
    Ref: Lowering.reference,
}

"""How clients write keywords into a description: a table.

Structured-output helpers delete the keywords that Anthropic's own grammars lack, and write them at the end of the
subschema's description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latticework.doors.messages.described_members import BOUNDS, JsonMembers, TextMembers, Types

_MOST_CHARACTERS = 16_384
_OF_PHP = "minLength|maxLength|minimum|maximum|multipleOf|format|minItems"


@dataclass(frozen=True)
class BoundNotation:
    """How a client writes keywords.

    Attributes:
        opening: a regex of what is before the first one, from the end of the author's own description on.
        closing: what is behind the last one.
        members: how the keywords and their values are written; the first that can be read counts.
        kept: keywords that the client never deletes. A text that has one of them is somebody else's.
        in_plain_words: a string may be the end of an author's own sentence as well.
    """

    opening: str
    closing: str
    members: tuple[JsonMembers | TextMembers, ...]
    kept: frozenset[str] = frozenset()
    in_plain_words: bool = False

    def read(self, description: str, types: Types) -> Mapping[str, Any]:
        """The bounds in the description of a subschema of these types; {} if it does not end in this notation."""
        text = self._end_of(description)
        if text is None or len(text) > _MOST_CHARACTERS:
            return {}
        found = next(filter(None, (style.read(text, types) for style in self.members)), {})
        if not self.kept.isdisjoint(found):
            return {}
        return {keyword: value for keyword, value in found.items() if keyword in BOUNDS and value is not None}

    def _end_of(self, description: str) -> str | None:
        """What is between the last opening and the closing."""
        if not description.endswith(self.closing):
            return None
        openings = [match.end() for match in self._opening.finditer(description)]
        return description[openings[-1] : len(description) - len(self.closing)] if openings else None

    @cached_property
    def _opening(self) -> re.Pattern[str]:
        return re.compile(self.opening)


# `{maxLength: 9, pattern: ^a}` in a paragraph of its own: the SDKs for Python and, with values in JSON, for TypeScript.
BRACES = BoundNotation(
    r"(?:\A|\n\n)\{",
    "}",
    (JsonMembers(r"([A-Za-z_$][\w$.-]*): ", ", "), TextMembers(", ")),
    kept=frozenset(("type", "title", "description", "properties", "required", "items", "anyOf", "oneOf", "allOf")),
)
# `{"maxLength":9}` in a paragraph of its own: the SDK for PHP.
JSON_OBJECT = BoundNotation(r"(?:\A|\n\n)\{", "}", (JsonMembers(rf'"({_OF_PHP})":', ","),))
# `Please also conform to these set of constraints: maxLength=9` in a line of its own: the SDK for Ruby.
CONSTRAINTS = BoundNotation(
    r"(?:\A|\n)Please also conform to these set of constraints: ",
    "",
    (JsonMembers(r"([A-Za-z_$][\w$.-]*)=", ","),),
)
# `Note: minimum value: 0, maximum value: 150.`: LiteLLM.
NOTE = BoundNotation(
    r"(?:\A| )Note: ",
    ".",
    (
        TextMembers(
            ", ",
            labels={
                "minItems": "minimum number of items: ",
                "maxItems": "maximum number of items: ",
                "uniqueItems": "all array items must be unique",
                "contains": "array must contain an item matching: ",
                "minContains": "minimum number of matching items: ",
                "maxContains": "maximum number of matching items: ",
                "prefixItems": "leading items must match, in order: ",
                "minimum": "minimum value: ",
                "maximum": "maximum value: ",
                "exclusiveMinimum": "exclusive minimum value: ",
                "exclusiveMaximum": "exclusive maximum value: ",
                "multipleOf": "must be a multiple of ",
                "minLength": "minimum length: ",
                "maxLength": "maximum length: ",
                "minProperties": "minimum number of properties: ",
                "maxProperties": "maximum number of properties: ",
                "patternProperties": "properties whose names match each pattern must satisfy: ",
                "propertyNames": "property names must satisfy: ",
                "dependentRequired": "dependent required properties: ",
                "dependentSchemas": "dependent schemas: ",
                "unevaluatedProperties": "unevaluated properties must satisfy: ",
                "if": "conditional (if): ",
                "then": "conditional (then): ",
                "else": "conditional (else): ",
                "not": "must not match: ",
            },
            implied={"uniqueItems": True},
        ),
    ),
)
# `minimum: 0; maximum: 150.` in a line of its own: the AI SDK.
WORDS = BoundNotation(
    r"(?:\A|\n)",
    ".",
    (
        TextMembers(
            "; ",
            labels={
                "minimum": "minimum: ",
                "maximum": "maximum: ",
                "exclusiveMinimum": "exclusive minimum: ",
                "exclusiveMaximum": "exclusive maximum: ",
                "multipleOf": "multiple of: ",
                "minLength": "min length: ",
                "maxLength": "max length: ",
                "pattern": "pattern: ",
                "minItems": "min items: ",
                "maxItems": "max items: ",
                "uniqueItems": "unique items: ",
                "minProperties": "min properties: ",
                "maxProperties": "max properties: ",
                "not": "not: ",
                "format": "format: ",
            },
        ),
    ),
    in_plain_words=True,
)
NOTATIONS = (BRACES, JSON_OBJECT, CONSTRAINTS, NOTE, WORDS)
# Those of tools that their clients make strict: of Pydantic AI, and of the SDK for Ruby.
NOTATIONS_IN_TOOLS = (BRACES, CONSTRAINTS)

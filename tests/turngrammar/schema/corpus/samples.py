"""Values for a schema that came without any: the whole, and the least. They are candidates, and may not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

DEEPEST = 3  # beyond it, nothing optional
TEXTS = {
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:30:00Z",
    "time": "12:30:00Z",
    "duration": "P3DT4H",
    "email": "joe@example.com",
    "hostname": "example.com",
    "ipv4": "192.168.0.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a?b=c",
    "url": "https://example.com/",
    "uuid": "2eb8aa08-aa98-41ea-b4aa-73b441d16380",
}


def samples(schema: Any) -> Iterator[Any]:
    """Values that use all members, the required ones, and each branch of a union at the top."""
    if not isinstance(schema, Mapping):
        return
    for branch in range(3):
        for whole in (True, False):
            yield Sampler(schema, whole, branch).value(schema)


class Sampler:
    """Makes a value: of the optional members, all or none; of each union, the branch of that number."""

    def __init__(self, root: Mapping[str, Any], whole: bool, branch: int) -> None:
        self._root, self._whole, self._branch = root, whole, branch

    def value(self, schema: Any, depth: int = 0) -> Any:
        if not isinstance(schema, Mapping):
            return "any"
        if "$ref" in schema:
            return self.value(self._target(schema["$ref"]), depth)
        for keyword in ("const", "enum", "anyOf", "oneOf", "allOf"):
            if schema.get(keyword) is not None:
                return self._chosen(keyword, schema, depth)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kinds = [kind] if isinstance(kind, str) else kind
        return MAKERS[kinds[self._branch % len(kinds)].lower()](self, schema, depth)

    def _target(self, reference: str) -> Any:
        node: Any = self._root
        for token in reference.split("/")[1:]:
            node = node[unquote(token).replace("~1", "/").replace("~0", "~")]
        return node

    def _chosen(self, keyword: str, schema: Mapping[str, Any], depth: int) -> Any:
        given = schema[keyword]
        if keyword == "const":
            return given
        if keyword == "enum":
            return given[self._branch % len(given)]
        if keyword == "allOf":
            return self.value({**schema, **_merged(given), "allOf": None}, depth)
        return self.value(given[self._branch % len(given)], depth)

    def object(self, schema: Mapping[str, Any], depth: int) -> Any:
        listed = schema.get("properties") or {}
        required = schema.get("required") or ()
        names = [name for name in listed if name in required or (self._whole and depth < DEEPEST)]
        made = {name: self.value(listed[name], depth + 1) for name in names}
        if self._whole and not listed and isinstance(schema.get("additionalProperties"), Mapping):
            made["key"] = self.value(schema["additionalProperties"], depth + 1)
        return made

    def array(self, schema: Mapping[str, Any], depth: int) -> Any:
        prefix = schema.get("prefixItems") or (schema["items"] if isinstance(schema.get("items"), list) else [])
        made = [self.value(item, depth + 1) for item in prefix]
        count = max(schema.get("minItems") or 0, 1 if self._whole and depth < DEEPEST and not prefix else 0)
        return made + [self.value(schema.get("items", {}), depth + 1) for _ in range(count - len(made))]

    def string(self, schema: Mapping[str, Any], depth: int) -> str:
        text = TEXTS.get(schema.get("format", ""), ("a text", "b")[self._branch % 2])
        return text.ljust(schema.get("minLength") or 0, "x")[: schema.get("maxLength")]

    def integer(self, schema: Mapping[str, Any], depth: int) -> int:
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        return int(schema.get("maximum", least + 7) if self._branch else least)

    def number(self, schema: Mapping[str, Any], depth: int) -> float:
        return self.integer(schema, depth) if self._branch or "multipleOf" in schema else schema.get("minimum", 0.5)

    def boolean(self, schema: Mapping[str, Any], depth: int) -> bool:
        return self._whole

    def null(self, schema: Mapping[str, Any], depth: int) -> None:
        return None


MAKERS: Mapping[str, Callable[[Sampler, Mapping[str, Any], int], Any]] = {
    "object": Sampler.object,
    "array": Sampler.array,
    "string": Sampler.string,
    "integer": Sampler.integer,
    "number": Sampler.number,
    "boolean": Sampler.boolean,
    "null": Sampler.null,
}


def _merged(schemas: list[Any]) -> dict[str, Any]:
    return {name: value for schema in schemas if isinstance(schema, Mapping) for name, value in schema.items()}

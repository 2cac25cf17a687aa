"""Serializers of Django REST framework, as drf-spectacular describes them, with data that they accept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import django
from django.conf import settings

settings.configure(USE_TZ=True, REST_FRAMEWORK={"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"})
django.setup()

from drf_spectacular.generators import SchemaGenerator  # noqa: E402
from rest_framework import serializers, views  # noqa: E402


class AddressSerializer(serializers.Serializer[Any]):
    street = serializers.CharField(max_length=80)
    country = serializers.RegexField(r"^[A-Z]{2}\Z")


class ProductSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField(max_length=50)
    price = serializers.DecimalField(max_digits=8, decimal_places=2)
    weight = serializers.FloatField(min_value=0, required=False, allow_null=True)
    stock = serializers.IntegerField(min_value=0, max_value=32767)
    status = serializers.ChoiceField(choices=["draft", "live"], default="draft")
    added = serializers.DateTimeField(required=False)
    on = serializers.DateField(required=False, allow_null=True)
    lasts = serializers.DurationField(required=False)
    url = serializers.URLField(required=False, max_length=200)
    email = serializers.EmailField(required=False, allow_blank=True)
    id = serializers.UUIDField(required=False)
    ip = serializers.IPAddressField(required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=20), max_length=4, required=False)
    attributes = serializers.DictField(child=serializers.IntegerField(), required=False)
    data = serializers.JSONField(required=False)
    address = AddressSerializer(required=False, allow_null=True)
    addresses = AddressSerializer(many=True, required=False)
    rank = serializers.ChoiceField(choices=["a", "b"], required=False, allow_null=True, allow_blank=True)
    sizes = serializers.MultipleChoiceField(choices=["s", "m", "l"], required=False)


def components(serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The schemas of a document with one operation that takes it."""

    class View(views.APIView):
        serializer_class = serializer

        def post(self, request: Any) -> None: ...

    from django.urls import path

    generator = SchemaGenerator(patterns=[path("a", View.as_view())])
    return dict(generator.get_schema(public=True)["components"]["schemas"])


PRODUCT = {"slug": "a-b_1", "price": "19.99", "stock": 3}
WHOLE = {
    "slug": "x",
    "price": "0",
    "weight": None,
    "stock": 0,
    "status": "live",
    "added": "2024-01-01T00:00:00Z",
    "on": "2024-02-29",
    "lasts": "1 00:00:00",
    "url": "https://example.com/",
    "id": "2eb8aa08-aa98-41ea-b4aa-73b441d16380",
    "ip": "192.168.0.1",
    "tags": ["a"],
    "attributes": {"a": 1},
    "data": {"a": 1},
    "address": {"street": "a", "country": "DE"},
    "addresses": [],
    "sizes": ["s"],
}
CASES: Sequence[tuple[str, type[serializers.Serializer[Any]], list[Any], list[Any]]] = [
    (
        "Address",
        AddressSerializer,
        [{"street": "a", "country": "DE"}],
        [{"street": "a", "country": "de"}, {"street": ""}],
    ),
    (
        "Product",
        ProductSerializer,
        [
            PRODUCT,
            {name: value for name, value in WHOLE.items() if name != "email"},
            {**PRODUCT, "email": "a@b.de"},
            {**PRODUCT, "address": None, "rank": None},
            {**PRODUCT, "rank": ""},
        ],
        [{**PRODUCT, "slug": "a b"}, {**PRODUCT, "price": "1.234"}, {**PRODUCT, "stock": -1}, {**PRODUCT, "rank": "c"}],
    ),
]


def main() -> None:
    for name, serializer, valid, invalid in CASES:
        refused = [made.errors for made in (serializer(data=value) for value in valid) if not made.is_valid()]
        assert not refused, refused
        schemas = components(serializer)
        row = {"id": f"django-rest/{name}", "emitter": f"drf-spectacular {version('drf-spectacular')}"}
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        print(json.dumps({**row, "dialect": "unnamed", "schema": schema, "valid": valid, "invalid": invalid}))


if __name__ == "__main__":
    main()

"""What each JSON type does: how it is read from its keywords, intersected, subtracted, and written for llguidance."""

from __future__ import annotations

from turngrammar.schema import arrays, numbers, objects, strings
from turngrammar.schema.algebra import Algebra, Operations
from turngrammar.schema.lower import Lowering, VariantWriters, typed
from turngrammar.schema.read import TypeReaders
from turngrammar.schema.shape import (
    BOOLEAN,
    NOTHING,
    NULL,
    Array,
    Boolean,
    Null,
    Number,
    Object,
    Ref,
    Shape,
    String,
    StringEnum,
)


def meet_booleans(algebra: Algebra, left: Boolean, right: Boolean) -> Shape:
    values = left.values & right.values
    return (Boolean(values=values),) if values else NOTHING


def minus_booleans(algebra: Algebra, left: Boolean, right: Boolean) -> Shape:
    values = left.values - right.values
    return (Boolean(values=values),) if values else NOTHING


READERS: TypeReaders = {
    "null": lambda reader, node: (NULL,),
    "boolean": lambda reader, node: (BOOLEAN,),
    "integer": numbers.read_integers,
    "number": numbers.read_numbers,
    "string": strings.read_strings,
    "array": arrays.read_arrays,
    "object": objects.read_objects,
}

OPERATIONS = Operations(
    meet={
        (Null, Null): lambda algebra, left, right: (left,),
        (Boolean, Boolean): meet_booleans,
        (Number, Number): numbers.meet_numbers,
        (StringEnum, StringEnum): strings.meet_enums,
        (StringEnum, String): strings.meet_enum_string,
        (String, StringEnum): strings.meet_string_enum,
        (String, String): strings.meet_strings,
        (Array, Array): arrays.meet_arrays,
        (Object, Object): objects.meet_objects,
    },
    minus={
        (Null, Null): lambda algebra, left, right: NOTHING,
        (Boolean, Boolean): minus_booleans,
        (Number, Number): numbers.minus_numbers,
        (StringEnum, StringEnum): strings.minus_enums,
        (StringEnum, String): strings.minus_enum_string,
        (String, StringEnum): strings.minus_string_enum,
        (String, String): strings.minus_strings,
        (Array, Array): arrays.minus_arrays,
        (Object, Object): objects.minus_objects,
    },
    disjoint={(Array, Array): arrays.disjoint_arrays, (Object, Object): objects.disjoint_objects},
)

WRITERS: VariantWriters = {
    Null: lambda lowering, variant: [typed("null", {})],
    Boolean: lambda lowering, variant: [typed("boolean", {})],
    Number: numbers.write_number,
    String: strings.write_string,
    Array: arrays.write_array,
    Object: objects.write_object,
    Ref: Lowering.reference,
}

"""The refused fields of objects in a request."""

from __future__ import annotations

from collections.abc import Mapping

from latticework.doors.common.fields import ABSENT, Refused

VLLM = "vLLM"
NEEDS_JSON_SCHEMA = "needs 'response_format.type' to be 'json_schema'."

# Of a response format without a schema.
OF_TEXT_FORMATS: Mapping[str, Refused] = {
    "schema": Refused("llama.cpp", "is for the types 'json_object' and 'json_schema', and only one schema."),
    "json_schema": Refused("OpenAI", NEEDS_JSON_SCHEMA),
}

OF_STRUCTURED_OUTPUTS: Mapping[str, Refused] = {
    "whitespace_pattern": Refused(
        VLLM, "is not supported: documents have one space behind each comma and colon, and no other whitespace."
    ),
    "disable_additional_properties": Refused(
        VLLM, "is not supported; set 'additionalProperties' to false in the schema instead."
    ),
    "structural_tag": Refused(VLLM, "is not supported; send 'tools' instead: their calls are always constrained."),
}

OF_STREAM_OPTIONS: Mapping[str, Refused] = {
    "continuous_usage_stats": Refused(
        "vLLM, SGLang", "is not supported; send 'include_usage': the last chunk has the usage.", ABSENT
    ),
}

NESTED: Mapping[str, Refused] = {
    **{f"structured_outputs.{name}": row for name, row in OF_STRUCTURED_OUTPUTS.items()},
    **{f"stream_options.{name}": row for name, row in OF_STREAM_OPTIONS.items()},
}

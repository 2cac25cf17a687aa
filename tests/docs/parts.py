"""Every generated part, by the name in its mark."""

from __future__ import annotations

from tests.docs import (
    api,
    carried,
    clients,
    dialects,
    examples,
    families,
    keywords,
    measured,
    metrics,
    reasons,
    serving,
    settings,
    wire_formats,
)
from tests.docs.made import Parts

PARTS: Parts = {
    "keywords": keywords.part,
    "dialects": dialects.part,
    "formats asserted": keywords.format_part,
    "reasons": reasons.part,
    "wire formats": wire_formats.part,
    "families": families.part,
    "settings": settings.part,
    "vllm serve": serving.part,
    "extras": settings.extras,
    "metrics": metrics.part,
    "span": metrics.attributes,
    "operations": api.operations,
    "request": api.request,
    "refused fields": api.refused,
    "harmless fields": api.harmless,
    "errors": api.failures,
    "codes": api.codes,
    "headers": api.headers,
    "warnings": api.warnings,
    "types": api.components,
    "examples": examples.part,
    "measured": measured.part,
    "carried": carried.part,
    "clients": clients.part,
}

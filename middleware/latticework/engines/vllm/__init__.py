"""vLLM, in child processes. `engine.py` runs here; of `compat`, scheduler.py and worker.py run there."""

from latticework.engines.vllm.engine import VllmEngine

__all__ = ["VllmEngine"]

"""vLLM in this process's children. `engine.py` is this side of it; `scheduler.py` and `worker.py` run on the other."""

from latticework.engines.vllm.engine import VllmEngine

__all__ = ["VllmEngine"]

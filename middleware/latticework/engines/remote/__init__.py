"""`vllm serve` on other machines, as an engine. It needs no vLLM on this one."""

from latticework.engines.remote.engine import RemoteEngine

__all__ = ["RemoteEngine"]

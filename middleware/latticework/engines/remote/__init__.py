"""`vllm serve` elsewhere: the engine whose models run on other machines. It needs no vLLM here."""

from latticework.engines.remote.engine import RemoteEngine

__all__ = ["RemoteEngine"]

"""A model in this process, run by transformers and Outlines: for machines on which vLLM does not run."""

from latticework.engines.portable.arguments import PortableArgs
from latticework.engines.portable.engine import PortableEngine

__all__ = ["PortableArgs", "PortableEngine"]

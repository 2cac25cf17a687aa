"""A model in this process, by transformers and Outlines: for machines that vLLM does not run on."""

from latticework.engines.portable.arguments import PortableArgs
from latticework.engines.portable.engine import PortableEngine

__all__ = ["PortableArgs", "PortableEngine"]

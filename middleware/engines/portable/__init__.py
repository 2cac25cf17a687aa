"""A model in this process, by transformers and Outlines: for machines that vLLM does not run on."""

from middleware.engines.portable.arguments import PortableArgs
from middleware.engines.portable.engine import PortableEngine

__all__ = ["PortableArgs", "PortableEngine"]

"""Loads a model by transformers, and wraps it by Outlines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import outlines
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from latticework.engines.base import EngineDead
from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.portable.arguments import PortableArgs
from latticework.engines.portable.masks import Masks
from latticework.engines.sampling import FROM_MODEL
from latticework.engines.tokenizer import ModelTokenizer

# In order of preference.
DEVICES: Mapping[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}
# vLLM's names of torch's types.
ALIASES: Mapping[str, str] = {"half": "float16", "float": "float32"}
# Tokens of prompt and answer, if the model's config has no limit.
DEFAULT_LENGTH = 2048

NO_FAST_TOKENIZER = """{} has a {}, and Outlines needs a fast tokenizer: a tokenizer.json. Use --engine vllm, which \
supports this tokenizer."""


@dataclass(frozen=True)
class LoadedModel:
    """Attributes:

    model: a `PreTrainedModel` on its device.
    max_model_len: the configured one, or the model's.
    end: the token that ends an answer that has a grammar.
    ends: all tokens that end an answer.
    sampling: the sampling parameters of the model's generation config, by the names of `Sampling`.
    """

    model: Any
    tokenizer: ModelTokenizer
    masks: Masks
    max_model_len: int
    end: int
    ends: frozenset[int]
    sampling: Mapping[str, Any]


def load_model(args: PortableArgs) -> LoadedModel:
    """Takes seconds to minutes. Raises EngineDead."""
    device = _device(args.device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(args.model, revision=args.revision)
        if not hasattr(tokenizer, "backend_tokenizer"):
            raise EngineDead(NO_FAST_TOKENIZER.format(args.model, type(tokenizer).__name__))
        model = AutoModelForCausalLM.from_pretrained(
            args.model, revision=args.revision, dtype=_dtype(args.dtype, device)
        )
        model.to(device).eval()
        return _wrapped_model(
            outlines.from_transformers(model, tokenizer), _max_model_len(args, model.config.get_text_config())
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineDead(f"{args.model} can't be loaded: {error}") from error


def _wrapped_model(wrapped: Any, max_model_len: int) -> LoadedModel:
    model, tokenizer = wrapped.model, wrapped.hf_tokenizer
    config = model.generation_config.to_dict()
    logits = int(model.get_output_embeddings().weight.shape[0])
    ours = HuggingFaceTokenizer(tokenizer, logits, config.get("eos_token_id"))
    return LoadedModel(
        model=model,
        tokenizer=ours,
        masks=Masks(wrapped, ours.vocabulary),
        max_model_len=max_model_len,
        end=tokenizer.eos_token_id,
        ends=frozenset(ours.ends),
        sampling={name: config[name] for name in FROM_MODEL if config.get(name) is not None},
    )


def _device(requested: str) -> str:
    for name, available in DEVICES.items():
        if requested in (name, "auto") and available():
            return name
    raise EngineDead(f"--device {requested}: torch {torch.__version__} has none on this machine.")


def _dtype(requested: str, device: str) -> Any:
    """CPUs have no fast arithmetic for shorter numbers, and with float32 the same seed gives the same answer."""
    if requested == "auto":
        return torch.float32 if device == "cpu" else "auto"
    return getattr(torch, ALIASES.get(requested, requested))


def _max_model_len(args: PortableArgs, config: Any) -> int:
    most = getattr(config, "max_position_embeddings", None)
    requested = args.max_model_len
    if most and requested and requested > most:
        raise EngineDead(f"--max-model-len {requested}: {args.model} has {most} positions. Set {most} or less.")
    return requested or most or DEFAULT_LENGTH

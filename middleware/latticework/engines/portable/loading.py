"""A model is loaded: by transformers, and wrapped by Outlines."""

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

# Tried from the first on.
DEVICES: Mapping[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}
# vLLM's names of what torch calls otherwise.
ALIASES: Mapping[str, str] = {"half": "float16", "float": "float32"}
# Tokens of prompt and answer, for a model that does not tell.
UNTOLD_LENGTH = 2048

NO_FAST_TOKENIZER = """{} has a {} for a tokenizer, and Outlines takes fast ones alone: a tokenizer.json. \
vLLM takes this one."""


@dataclass(frozen=True)
class Loaded:
    """Attributes:

    model: a `PreTrainedModel` on its device.
    max_model_len: as the model has it, or as it was asked for.
    end: the token that ends an answer as its grammar has it.
    ends: all tokens that end an answer.
    sampling: what the model's own generation config says of it, by the names of `Sampling`.
    """

    model: Any
    tokenizer: ModelTokenizer
    masks: Masks
    max_model_len: int
    end: int
    ends: frozenset[int]
    sampling: Mapping[str, Any]


def load(args: PortableArgs) -> Loaded:
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
        return _loaded(outlines.from_transformers(model, tokenizer), _length(args, model.config.get_text_config()))
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineDead(f"{args.model} can't be loaded: {error}") from error


def _loaded(wrapped: Any, max_model_len: int) -> Loaded:
    model, tokenizer = wrapped.model, wrapped.hf_tokenizer
    told = model.generation_config.to_dict()
    logits = int(model.get_output_embeddings().weight.shape[0])
    ours = HuggingFaceTokenizer(tokenizer, logits, told.get("eos_token_id"))
    return Loaded(
        model=model,
        tokenizer=ours,
        masks=Masks(wrapped, ours.vocabulary),
        max_model_len=max_model_len,
        end=tokenizer.eos_token_id,
        ends=frozenset(ours.ends),
        sampling={name: told[name] for name in FROM_MODEL if told.get(name) is not None},
    )


def _device(asked: str) -> str:
    for name, available in DEVICES.items():
        if asked in (name, "auto") and available():
            return name
    raise EngineDead(f"--device {asked}: torch {torch.__version__} finds none here.")


def _dtype(asked: str, device: str) -> Any:
    """CPUs have no fast arithmetic for shorter numbers, and with float32 the same seed gives the same answer."""
    if asked == "auto":
        return torch.float32 if device == "cpu" else "auto"
    return getattr(torch, ALIASES.get(asked, asked))


def _length(args: PortableArgs, config: Any) -> int:
    most = getattr(config, "max_position_embeddings", None)
    asked = args.max_model_len
    if most and asked and asked > most:
        raise EngineDead(f"--max-model-len {asked}: {args.model} knows {most} positions.")
    return asked or most or UNTOLD_LENGTH

"""A family's tokenizer and chat template around a tiny model of random weights: a checkpoint that any engine loads."""

from __future__ import annotations

from pathlib import Path

from tests.families import Family, write

POSITIONS = 4096


def checkpoint(family: Family, to: Path) -> Path:
    """A Llama of two layers with the family's vocabulary. Its generation config has all ends of the family's turns."""
    import torch
    from transformers import AutoTokenizer, GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(write(family, to))
    ends = [tokenizer.convert_tokens_to_ids(end) for end in family.ends]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=family.vocab_size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,  # vLLM's attention on CPUs takes multiples of 32
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends[0],
    )
    LlamaForCausalLM(config).save_pretrained(to)
    GenerationConfig(eos_token_id=ends, bos_token_id=tokenizer.bos_token_id).save_pretrained(to)
    return to

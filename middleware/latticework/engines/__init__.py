"""Engines run the model. `base.py` has their interface; vllm, portable and remote implement it."""

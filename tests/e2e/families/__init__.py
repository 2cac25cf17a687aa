"""Tiny models of random weights with the tokenizers and chat templates of real families, end to end on real engines.

FAMILIES=all runs the whole matrix. `python -m tests.e2e.families [--engine portable] [FAMILY ...]` prints it.
"""

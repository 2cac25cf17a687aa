"""The compiler: JSON Schemas and tools -> one grammar for a whole assistant turn; generated text -> events.

Pure: no I/O, no web framework, no engine. `tests/test_layers.py` checks that.
"""

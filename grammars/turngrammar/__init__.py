"""The compiler: JSON Schemas and tools in, one grammar for a whole assistant turn out; text in, events out.

Pure: no I/O, no web framework, no engine. `tests/test_layers.py` keeps it so.
"""

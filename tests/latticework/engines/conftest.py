"""Loads vLLM before the tests that import it: its imports warn, and warnings are errors in tests."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import latticework.engines.vllm.compat.scheduler
    import latticework.engines.vllm.compat.worker  # noqa: F401

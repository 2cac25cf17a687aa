"""Imports Ray before the tests that do, if it is there: its imports warn, and warnings are errors in tests."""

import warnings
from contextlib import suppress

with warnings.catch_warnings(), suppress(ModuleNotFoundError):
    warnings.simplefilter("ignore")
    import ray.serve  # noqa: F401

"""Asking an app from Python, in the same process: values of Python types, with all that the app guarantees."""

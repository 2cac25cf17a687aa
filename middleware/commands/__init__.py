"""The commands of `latticework`, one a file; `middleware.cli` is the table of them.

Each file imports what is heavy where it needs it, so that `--help` and light commands answer at once.
"""

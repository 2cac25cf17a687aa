"""The commands of `latticework`, one a file; `latticework.cli` is the table of them.

Each file imports what is heavy where it needs it, so that `--help` and light commands answer at once.
"""

"""The commands of `latticework`; `latticework.cli` is the table of them.

Their modules import heavy packages inside functions, so that `--help` and light commands are fast.
"""

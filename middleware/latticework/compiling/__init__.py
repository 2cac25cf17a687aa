"""Compiling what clients write, in processes that can be killed: the serving process waits, and forgets nothing.

compiler.py asks, workers.py has the processes, process.py is what runs in one, compiled.py what is done there.
"""

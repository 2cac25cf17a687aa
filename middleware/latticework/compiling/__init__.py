"""Compiling what clients write, in processes that can be killed.

compiler.py caches and waits, in the server; workers.py is the pool and child.py one of its processes, seen from there;
process.py runs in the process; messages.py is what both sides exchange.
"""

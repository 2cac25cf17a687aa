"""Real clients, unchanged, against a real server: which of them work, and what each was seen to do.

    python -m tests.clients [--url URL] [--every N] [NAME ...]

`table.py` holds the clients as values. Each has an environment of its own, or one that it shares, from a file in
requirements/, and a script in python/ or node/ whose functions are its scenarios. The scripts import their client
and shared.py, which knows no client, and can be copied. What came of them is in docs/clients.json, and as a table in
docs/clients.md.
"""

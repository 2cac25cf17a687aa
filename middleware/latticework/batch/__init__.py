"""Batches: a file of requests in OpenAI's batch format, sent to a server or to an app in this process.

requests.py reads the file; senders.py and server.py ask; results.py keeps the answers, and tally.py counts them; run.py
brings these together.
"""

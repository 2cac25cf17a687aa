"""Metrics, logs and traces, all made from the record of each request."""

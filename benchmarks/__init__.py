"""Benchmarks of latticework, most of them compared with vLLM's own server."""

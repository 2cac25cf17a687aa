"""vLLM for CUDA in a process without a device: its configurations, its choice of CUDA graphs, and its Triton kernels.

vLLM asks its platform what device there is. Here that is an H100 which exists in name only. Triton interprets its
kernels. All this holds for a whole process, so tests/test_cuda.py runs these tests in one of their own.
"""

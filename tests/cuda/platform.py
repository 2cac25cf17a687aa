"""A CUDA device in name only. Importing this module is its installation, which must come before vLLM's modules."""

from __future__ import annotations

import sys
import types
from importlib import import_module
from typing import Any

# Extensions that the CPU build of vLLM lacks, and imports on CUDA.
for extension in ("_C_stable_libtorch", "_vllm_fa2_C", "_vllm_fa3_C"):
    for package in ("vllm", "vllm.vllm_flash_attn"):
        name = f"{package}.{extension}"
        sys.modules[name] = types.ModuleType(name)

platforms: Any = import_module("vllm.platforms")
capability = import_module("vllm.platforms.interface").DeviceCapability
device: Any = import_module("vllm.platforms.cuda").NonNvmlCudaPlatform


class NamedDevice(device):  # type: ignore[misc]
    """What vLLM asks of an H100."""

    @classmethod
    def get_device_capability(cls, device_id: int = 0) -> Any:
        return capability(9, 0)

    @classmethod
    def get_device_name(cls, device_id: int = 0) -> str:
        return "NVIDIA H100 80GB HBM3"

    @classmethod
    def get_device_total_memory(cls, device_id: int = 0) -> int:
        return 80 * 2**30

    @classmethod
    def device_count(cls) -> int:
        return 1

    def get_global_graph_pool(self) -> None:
        """Nothing is captured."""


def no_support(*args: Any) -> bool:
    """For kernels of the CUDA build."""
    return False


platforms.vllm_version_matches_substr = lambda part: False  # "cpu" is a part of this build's
platforms._current_platform = NamedDevice()

operations = import_module("vllm._custom_ops")
for operation in dir(operations):
    if "_supports_" in operation:
        setattr(operations, operation, no_support)

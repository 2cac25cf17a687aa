"""What is wrong with a model's files, found in a second: engines find it after minutes, and report it in tracebacks."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

# A model on a hub: NAME, or OWNER/NAME.
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(:[\w.-]+)?", re.ASCII)
CONFIGS = ("config.json", "params.json")
WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf", "*.tensors")
TOKENIZERS = ("*token*", "*tekken*", "vocab*", "merges.txt", "*.model", "*.spm", "*.bpe")
INDEX = "model.safetensors.index.json"
# Of a safetensors file: the length of its header, and how long that may be by its format.
LENGTH = struct.Struct("<Q")
MOST_HEADER = 100_000_000

AGAIN = "Download the model again"


class BrokenModel(Exception):
    """One line: the folder or file, what is wrong with it, and the fix."""


def refuse_broken_model(model: str, tokenizer: str | None = None, *, weights: bool = True) -> None:
    """Raises BrokenModel for a folder that can't be loaded. A model on a hub is not looked at.

    `tokenizer`: the folder of its tokenizer, if it is another one; `weights`: whether its weights are read.
    """
    folder = Path(model).expanduser()
    if folder.is_file() or (not folder.exists() and _is_on_hub(model)):
        return
    checks: list[Callable[[Path], None]] = [_check_folder, _check_config, *([_check_weights] if weights else ())]
    for check in checks:
        check(folder)
    if (other := Path(tokenizer or model).expanduser()).is_dir():
        _check_tokenizer(other)


def _is_on_hub(model: str) -> bool:
    return HUB_NAME.fullmatch(model) is not None and not model.startswith(".")


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise BrokenModel(f"{folder}: there is no such folder. Set --model to a model's folder, or OWNER/NAME of a hub")
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise BrokenModel(f"{folder}: {error.strerror}. Make it readable for this user") from None


def _check_config(folder: Path) -> None:
    configs = [folder / name for name in CONFIGS if (folder / name).is_file()]
    if not configs:
        raise BrokenModel(
            f"{folder}: it has no {CONFIGS[0]}. Set --model to a folder with a model in Hugging Face's form"
        )
    if not isinstance(_json(configs[0]), dict):
        raise BrokenModel(f"{configs[0]}: not a JSON object. {AGAIN}")


def _check_weights(folder: Path) -> None:
    if not _any_of(folder, WEIGHTS):
        raise BrokenModel(f"{folder}: it has no weights, such as *.safetensors. {AGAIN}")
    index = folder / INDEX
    named = _json(index) if index.is_file() else {}
    files = set(named.get("weight_map", {}).values()) if isinstance(named, dict) else set()
    for name in sorted(files):
        if not (folder / name).is_file():
            raise BrokenModel(f"{folder / name}: it is missing, and named in {INDEX}. {AGAIN}")
    for file in sorted(folder.glob("*.safetensors")):
        _check_safetensors(file)


def _check_safetensors(file: Path) -> None:
    """Its header alone is read: https://huggingface.co/docs/safetensors."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            start = stream.read(LENGTH.size)
            length = LENGTH.unpack(start)[0] if len(start) == LENGTH.size else 0
            header: Any = json.loads(stream.read(length)) if 0 < length <= min(size, MOST_HEADER) else [None]
        ends = [tensor["data_offsets"][1] for name, tensor in dict(header).items() if name != "__metadata__"]
    except OSError as error:
        raise BrokenModel(f"{file}: {error.strerror}. Make it readable for this user") from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise BrokenModel(f"{file}: its header is broken. {AGAIN}") from None
    whole = LENGTH.size + length + max(ends, default=0)
    if size < whole:
        raise BrokenModel(f"{file}: it is cut off: {size} of {whole} bytes. {AGAIN}")


def _check_tokenizer(folder: Path) -> None:
    if not _any_of(folder, TOKENIZERS):
        raise BrokenModel(f"{folder}: it has no tokenizer. {AGAIN}, or set --tokenizer")
    for file in sorted(folder.glob("tokenizer*.json")):
        _json(file)


def _any_of(folder: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(file.name.lower(), pattern) for file in folder.iterdir() for pattern in patterns)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise BrokenModel(f"{file}: {error.strerror}. Make it readable for this user") from None
    except (ValueError, RecursionError) as error:
        raise BrokenModel(f"{file}: not valid JSON: {error}. {AGAIN}") from None

"""The model of a run: on a GPU, the shape of a 7B model or a real one; on a CPU, a tiny one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.targets import QWEN_7B, TINY, Target, model_directory
from latticework import embedded

SHAPES = {"gpu": ("qwen2.5-7b-shaped", QWEN_7B), "tiny": ("tiny-llama", TINY)}
ARGUMENTS = {
    "gpu": ("--max-model-len", "8192"),
    "tiny": ("--max-model-len", "2048", "--dtype", "float32", "--enforce-eager"),
}
DUMMY = ("--load-format", "dummy")


class NoModel(Exception):
    """A folder that was given lacks something. The message has the fix."""


def target(scale: str, folder: Path, model: Path | None, tokenizer: Path | None, more: tuple[str, ...]) -> Target:
    """`folder`: where a shape's config is put together with a tokenizer. Raises NoModel.

    Raises embedded.EmbeddedModelMissing, if its tokenizer is needed.
    """
    arguments = (*ARGUMENTS[scale], *more)
    if model is not None:
        if not (model / "config.json").exists():
            raise NoModel(f"--model {model}: no config.json there. It must be a model's folder: nothing is downloaded")
        own = ("--tokenizer", str(tokenizer)) if tokenizer is not None else ()
        return Target(str(model), model.name, (*arguments, *own))
    if tokenizer is not None and not (tokenizer / "tokenizer.json").exists():
        raise NoModel(f"--tokenizer {tokenizer}: no tokenizer.json there. It must be a tokenizer's folder")
    name, shape = SHAPES[scale]
    directory = model_directory(folder / name, shape, tokenizer or embedded.model_path())
    return replace(Target(str(directory), name, (*DUMMY, *arguments)))

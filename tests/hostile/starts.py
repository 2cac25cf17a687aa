"""Starts that fail: what is given, and what the last line on standard error has to have. None takes an engine.

A row's arguments, variables and words may have {}, the folder in which `made` has made what it names.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def nothing(folder: Path) -> None:
    """Makes nothing."""


@dataclass(frozen=True)
class Start:
    """`status`: 1 where something is missing, broken or in use; 2 where the usage is wrong."""

    name: str
    arguments: str
    words: tuple[str, ...]
    status: int = 1
    made: Callable[[Path], object] = nothing
    environ: Mapping[str, str] = field(default_factory=dict)


def safetensors(size: int = 16, *, cut: int = 0) -> bytes:
    """A file with one tensor, without its last bytes."""
    header = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return (struct.pack("<Q", len(header)) + header + bytes(size))[: -cut or None]


MODEL: Mapping[str, bytes] = {
    "config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
    "model.safetensors": safetensors(),
    "tokenizer.json": b"{}",
}


def model(without: str = "", **changed: bytes) -> Callable[[Path], None]:
    """Makes a model's folder; `changed`: by file name, with __ for a dot."""

    def make(folder: Path) -> None:
        files = {**MODEL, **{name.replace("__", "."): content for name, content in changed.items()}}
        for name, content in files.items():
            if name != without:
                (folder / name).write_bytes(content)

    return make


def file(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def loop(folder: Path) -> None:
    (folder / "loop").symlink_to(folder / "loop")


# The port is taken as long as the module is loaded.
TAKEN = socket.socket()
TAKEN.bind(("127.0.0.1", 0))
TAKEN.listen()
PORT = TAKEN.getsockname()[1]

OWN = "--model {}"
AGAIN = "Download the model again"
INDEX = b'{"weight_map": {"a": "model-00001.safetensors"}}'

STARTS = (
    Start("no such folder", "--model {}/none", ("{}/none", "there is no such folder", "--model")),
    Start("a path of no hub", "--model a/b/c", ("a/b/c", "there is no such folder", "--model")),
    Start("an empty folder", OWN, ("{}", "no config.json", "--model")),
    Start("no weights", OWN, ("{}", "no weights", AGAIN), made=model("model.safetensors")),
    Start("no tokenizer", OWN, ("{}", "no tokenizer", "--tokenizer"), made=model("tokenizer.json")),
    Start("config.json: no JSON", OWN, ("{}/config.json", "not valid JSON", AGAIN), made=model(config__json=b"{")),
    Start("config.json: empty", OWN, ("{}/config.json", "not valid JSON", AGAIN), made=model(config__json=b"")),
    Start("config.json: a list", OWN, ("{}/config.json", "not a JSON object", AGAIN), made=model(config__json=b"[]")),
    Start(
        "config.json: binary", OWN, ("{}/config.json", "not valid JSON", AGAIN), made=model(config__json=b"\xff\x00")
    ),
    Start("config.json: deep", OWN, ("{}/config.json", "not valid JSON", AGAIN), made=model(config__json=b"[" * 10**5)),
    Start("tokenizer.json: cut off", OWN, ("{}/tokenizer.json", "not valid JSON"), made=model(tokenizer__json=b'{"a')),
    Start(
        "weights: cut off",
        OWN,
        ("{}/model.safetensors", "cut off", AGAIN),
        made=model(model__safetensors=safetensors(cut=4)),
    ),
    Start("weights: empty", OWN, ("{}/model.safetensors", "header", AGAIN), made=model(model__safetensors=b"")),
    Start("weights: text", OWN, ("{}/model.safetensors", "header", AGAIN), made=model(model__safetensors=b"a" * 99)),
    Start(
        "weights: a web page",
        OWN,
        ("{}/model.safetensors", "header", AGAIN),
        made=model(model__safetensors=b"<html>" * 9),
    ),
    Start(
        "weights: a part is missing",
        OWN,
        ("{}/model-00001.safetensors", "missing", AGAIN),
        made=model(model__safetensors__index__json=INDEX),
    ),
    Start("a link to itself", "--model {}/loop", ("{}/loop", "no such folder"), made=loop),
    Start("portable: no such folder", "--engine portable --model {}/none", ("{}/none", "no such folder")),
    Start("portable: no weights", "--engine portable --model {}", ("no weights",), made=model("model.safetensors")),
    Start(
        "the cache is below a file",
        "",
        ("{}/file", "LATTICEWORK_CACHE"),
        made=file("file", b"x"),
        environ={"LATTICEWORK_CACHE": "{}/file/below"},
    ),
    Start("the cache is no folder", "", ("/proc", "LATTICEWORK_CACHE"), environ={"LATTICEWORK_CACHE": "/proc/none/a"}),
    Start("the home is no folder", "", ("/dev/null", "LATTICEWORK_CACHE"), environ={"HOME": "/dev/null"}),
    Start("the port is taken", f"--port {PORT}", ("127.0.0.1", f"{PORT}", "in use", "--port")),
    Start("no such address", "--host 192.0.2.1 --no-auth", ("192.0.2.1", "--host")),
    Start("no such host", "--host host.invalid --no-auth", ("host.invalid", "--host")),
    Start("an open address without keys", "--host 0.0.0.0", ("0.0.0.0", "--no-auth"), 2),
    Start("a port that is none", "--port 70000", ("--port", "65535"), 2),
    Start("a number that is none", "--max-tools many", ("--max-tools", "integer", "'many'"), 2),
    Start("a timeout below zero", "--engine-hang-timeout -1", ("--engine-hang-timeout", "seconds"), 2),
    Start("a format that is none", "--tool-format none", ("--tool-format", "'none'", "hermes"), 2),
    Start("an engine that is none", "--engine none", ("--engine", "none", "vllm"), 2),
    Start("an address that is none", "--engine http://", ("--engine", "http://"), 2),
    Start("a variable", "", ("LATTICEWORK_PORT", "'x'"), 2, environ={"LATTICEWORK_PORT": "x"}),
    Start("no file of keys", "--api-key-file {}/keys", ("{}/keys", "--api-key-file"), 2),
    Start("an empty file of keys", "--api-key-file {}/keys", ("{}/keys", "no key"), 2, file("keys", b"")),
    Start("a binary file of keys", "--api-key-file {}/keys", ("{}/keys", "UTF-8"), 2, file("keys", b"\xff")),
    Start("a folder of keys", "--api-key-file {}", ("{}", "--api-key-file"), 2),
    Start("no configuration", "--config {}/none", ("--config", "{}/none"), 2),
    Start("a folder as configuration", "--config {}", ("--config", "{}"), 2),
    Start("configuration: no TOML", "--config {}/c", ("--config", "TOML"), 2, file("c", b"port = ")),
    Start("configuration: binary", "--config {}/c", ("--config", "UTF-8"), 2, file("c", b"\xff\xfe")),
    Start("configuration: unknown setting", "--config {}/c", ("{}/c", "'prot'", "'port'"), 2, file("c", b"prot = 1")),
    Start("configuration: wrong value", "--config {}/c", ("{}/c", "port"), 2, file("c", b"port = 'x'")),
    Start("configuration: unknown argument", "--config {}/c", ("[vllm]", "'modl'"), 2, file("c", b"[vllm]\nmodl = 1")),
    Start("configuration: models is no table", "--config {}/c", ("models",), 2, file("c", b"models = 1")),
    Start("a template that is no file", "--chat-template {}/none", ("chat_template", "{}/none"), 2),
    Start("a template that is no Jinja", "--chat-template {}/t", ("chat_template",), 2, file("t", b"{% if %}")),
    Start("a binary template", "--chat-template {}/t", ("chat_template", "{}/t"), 2, file("t", b"\xff")),
    Start("an alias of no model", "--model {} --alias a=b", ("'a'", "'b'", "{}"), 2, model()),
    Start("an alias without a model", "--alias a", ("--alias", "NAME=MODEL", "'a'"), 2),
    Start("two aliases of one name", "--alias a=b --alias a=c", ("aliases", "'a'", "'b'", "'c'"), 2),
    Start("an unknown argument of vLLM", "--modell x", ("--modell",), 2),
    Start("a wrong value of vLLM's", "--max-model-len many", ("--max-model-len", "many"), 2),
)

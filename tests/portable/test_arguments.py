"""The portable engine's arguments: on the command line and in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from latticework import cli
from latticework.commands import WrongUsage, engines
from latticework.config import Config, load_config
from latticework.engines.portable import PortableArgs, PortableEngine
from latticework.engines.portable.arguments import portable_args
from latticework.options import InvalidSetting
from latticework.settings import Settings

EMBEDDED = {"model": "/embedded", "served_model_name": ["small"]}
READ: list[tuple[list[str], Mapping[str, Any], PortableArgs]] = [
    ([], {}, PortableArgs("/embedded", served_model_name=["small"])),
    (["--dtype", "half"], {}, PortableArgs("/embedded", served_model_name=["small"], dtype="half")),
    (["--model", "a/b"], {}, PortableArgs("a/b")),
    ([], {"model": "a/b", "max_model_len": 512}, PortableArgs("a/b", max_model_len=512)),
    (["--no-enable-prefix-caching"], {"model": "m"}, PortableArgs("m", enable_prefix_caching=False)),
    ([], {"model": "m", "enable_prefix_caching": False}, PortableArgs("m", enable_prefix_caching=False)),
    (["--model=c", "--device", "cpu"], {"model": "a/b"}, PortableArgs("c", device="cpu")),
    (
        ["--served-model-name", "x", "y", "--revision", "main", "--max-num-seqs", "3"],
        {"model": "m"},
        PortableArgs("m", revision="main", served_model_name=["x", "y"], max_num_seqs=3),
    ),
]


@pytest.mark.parametrize(("arguments", "table", "args"), READ)
def test_arguments(arguments: list[str], table: Mapping[str, Any], args: PortableArgs) -> None:
    file = Config("f.toml", {}, {"portable": table, "vllm": {"anything": 1}})
    assert portable_args(arguments, "serve", lambda: EMBEDDED, file) == args


WRONG = [
    (["--tensor-parallel-size", "2"], "unrecognized arguments: --tensor-parallel-size"),
    (["--dtype", "int4"], "invalid choice: 'int4'"),
    (["--device", "tpu"], "invalid choice: 'tpu'"),
    (["--max-model-len", "0"], "invalid positive_integer value: '0'"),
    (["--mod", "x"], "unrecognized arguments: --mod"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_arguments_exit_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["serve", "--port", "0", "--engine", "portable", *arguments])
    assert exit_.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_wrong_name_in_the_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text('[portable]\nmodle = "x"\n')
    with pytest.raises(InvalidSetting, match=r"\[portable\]: unknown argument 'modle'. Did you mean 'model'"):
        portable_args([], "serve", lambda: EMBEDDED, load_config(str(file)))


def test_help_lists_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--engine", "portable", "--help-engine"]) == 0
    told = capsys.readouterr().out
    assert "--served-model-name" in told
    assert "--tensor-parallel-size" not in told


@pytest.mark.parametrize(("drafts", "forced"), [("auto", True), ("forced", True), ("off", False)])
def test_the_settings_reach_it(drafts: Any, forced: bool) -> None:
    settings = Settings(engine=("portable",), drafts=drafts)
    engine = engines.make_engine(["--model", "a/b", "--max-num-seqs", "3"], settings, Config())
    assert isinstance(engine, PortableEngine)
    assert (engine.model_ids, engine.max_running, engine._forced) == (("a/b",), 3, forced)


@pytest.mark.parametrize("engine", [("portable", "vllm"), ("tgi",), ()])
def test_an_engine_that_there_is_not(engine: tuple[str, ...]) -> None:
    with pytest.raises(WrongUsage, match="must be one of vllm, portable"):
        engines.make_engine([], Settings(engine=engine), Config())


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["serve", "--port", "0", "--engine", "portable"]) == 1
    assert "pip install '.[portable]'" in capsys.readouterr().err

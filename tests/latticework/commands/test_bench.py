"""`latticework bench`: what a checkout has is listed and run, and elsewhere it is told where it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latticework.cli import main
from latticework.commands import bench

SCRIPT = '''"""{first}

    python -m benchmarks.{name}
"""
import json, sys
print(json.dumps(sys.argv[1:]))
sys.exit({status})
'''


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "shared.py").write_text('"""No script."""')
    for name, status in (("good", 0), ("picky", 2), ("broken", 7)):
        (folder / f"{name}.py").write_text(SCRIPT.format(first=f"What {name} costs.", name=name, status=status))
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)  # which would offer this checkout's own
    return tmp_path


def test_this_checkout_has_some() -> None:
    assert {"parser_cost", "forward_passes", "gpu"} <= set(bench.list_benchmarks(bench.ROOT))


def test_without_a_name_they_are_listed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "good    What good costs."
    assert main(["bench", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["broken", "good", "picky"]


@pytest.mark.parametrize(("name", "status"), [("good", 0), ("picky", 2), ("broken", 1)])
def test_a_script_gets_its_arguments_and_gives_the_status(
    name: str, status: int, checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", name, "--quick", "--json", "x"]) == status
    assert json.loads(capfd.readouterr().out) == ["--quick", "--json", "x"]


def test_json_may_stand_before_the_name(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--json", "good"]) == 0
    assert json.loads(capfd.readouterr().out) == ["--json"]


def test_an_unknown_one_is_wrong(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["bench", "shared"])
    assert exit_.value.code == 2
    assert "unknown benchmark 'shared'; the benchmarks are broken, good, picky" in capsys.readouterr().err


def test_an_installed_package_has_none(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "pyproject.toml").unlink()
    assert main(["bench", "good"]) == 1
    assert "In a checkout" in capsys.readouterr().err

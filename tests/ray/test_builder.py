"""The options of `serve run` become a deployment. Nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed here; make ray has it installed, and runs this")

import yaml

from latticework.commands import WrongUsage
from latticework.deployments.ray import ONGOING, app
from latticework.options import InvalidSetting
from latticework.settings import OPTIONS

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "ray_serve" / "serve.yaml"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


def built(**options: Any) -> Any:
    """Serve's own record of the deployment."""
    return app(options)._bound_deployment


def test_numbers_and_settings_reach_the_deployment() -> None:
    deployment = built(
        arguments="--no-auth --drain-timeout 7 --model org/model", num_replicas="3", num_gpus="0.5", num_cpus=2
    )
    assert deployment.name == "Latticework"
    assert deployment.num_replicas == 3
    assert deployment.max_ongoing_requests == ONGOING
    assert deployment._deployment_config.graceful_shutdown_timeout_s == 7
    assert {name: deployment.ray_actor_options[name] for name in ("num_gpus", "num_cpus")} == {
        "num_gpus": 0.5,
        "num_cpus": 2,
    }


def test_keys_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICEWORK_API_KEYS", "a-key")
    assert built().num_replicas == 1


WRONG: list[tuple[dict[str, str], type[BaseException], str]] = [
    ({}, WrongUsage, "LATTICEWORK_API_KEYS"),
    (
        {"arguments": "--no-auth", "replicas": "2"},
        WrongUsage,
        "replicas: unknown option; .* arguments, num_repl",
    ),
    ({"arguments": "--no-auth --tool-format morse"}, WrongUsage, "unknown format 'morse'; .*hermes"),
    ({"arguments": "--no-auth --config /nowhere"}, InvalidSetting, "No such file"),
    ({"arguments": "--no-auth --port high"}, SystemExit, "2"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG)
def test_wrong_usage_deploys_nothing(options: dict[str, str], error: type[BaseException], message: str) -> None:
    with pytest.raises(error, match=message):
        app(options)


def test_the_example_is_read(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("a-key")
    (application,) = yaml.safe_load(EXAMPLE.read_text())["applications"]
    assert application["import_path"] == "latticework.deployments.ray:app"
    options = {name: text.replace("/etc/latticework/keys", str(keys)) for name, text in application["args"].items()}
    assert app(options)._bound_deployment.name == application["deployments"][0]["name"]

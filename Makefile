# make serve   the server on 127.0.0.1:8000 with the embedded model      make serve ARGS="--port 8001 --model ..."
# make test    lint, types, layers and the whole suite                   make test  ARGS="tests/turngrammar -x"
# make bench   all benchmarks: schema suites, parsers, comparison with `vllm serve`; takes hours. Tables on standard output,
#              those of the comparison with plots in benchmarks/results/                  make bench ARGS=--quick
# make soak    thousands of mixed requests, 1,000 concurrent streams, 100,000 fuzz cases and documents, an engine killed,
#              an hour of hostile requests: an hour and a half. Tables also in benchmarks/results/
#                                                                         make soak  ARGS=--quick
# make docs    regenerates the generated parts of README.md and docs/; a test fails when they are out of date
# make ray     tests replicas under Ray Serve: streaming, a killed replica, draining; a minute, in .venv-ray
# make clients tests real clients, unmodified, against the server: docs/clients.md; first installs them into .venv-clients,
#              some GB                                                    make clients ARGS="instructor litellm"
# make families   checks the turns of 80 model families against their grammars, with the real tokenizers and templates in
#              ../shared/data/families; ten minutes. Results in docs/families.json and docs/formats.md
# make house   measures the code: modules that a request enters, names used twice, import circles, sizes
# The first run of any target makes .venv: the GPU build where `nvidia-smi -L` lists a device (requirements-gpu.txt),
# else the CPU build (requirements-cpu.txt). BUILD=cpu or BUILD=gpu overrides, and replaces what the other has installed.

VENV := .venv
BIN := $(VENV)/bin
# Only a BUILD on the command line counts: other programs have a variable of this name in the environment.
ifneq ($(origin BUILD),command line)
BUILD := $(shell nvidia-smi -L 2>/dev/null | grep -q '^GPU ' && echo gpu || echo cpu)
endif
ifeq ($(filter cpu gpu,$(BUILD)),)
$(error BUILD=$(BUILD): must be cpu or gpu)
endif
DOWNLOAD_cpu := 600 MB, some minutes
DOWNLOAD_gpu := some GB, 9 GB on disk; needs a driver for CUDA 13, 580 or newer; BUILD=cpu installs the CPU build
# Written last, so that an interrupted installation is resumed.
INSTALLED := $(VENV)/.installed-$(BUILD)
# Of the tests. A real engine is in one of them, and takes as long as all that needs none.
PROCESSES := 2
# For tests of vLLM's kernels on CUDA, which it interprets. Beside the packages: vLLM's CPU build must not find it.
TRITON_VERSION := 3.9.0
TRITON := $(VENV)/triton/.installed-$(TRITON_VERSION)
# Ray's packages; it also sees those of .venv.
RAY := .venv-ray
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install serve test check bench soak ray docs clients families house format clean

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

install: $(INSTALLED)

serve: $(INSTALLED)
	@exec $(BIN)/latticework serve $(ARGS)

test: check $(TRITON)
	@echo "==> Tests"
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder $(ARGS)

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
	$(BIN)/python -m benchmarks.front_ends $(ARGS)
	$(BIN)/python -m benchmarks.hostile_bodies $(ARGS)
	$(BIN)/python -m benchmarks.accuracy $(ARGS)
	$(BIN)/python -m benchmarks.quotes $(ARGS)
	$(BIN)/python -m benchmarks.retries $(ARGS)
	$(BIN)/python -m benchmarks.closed_objects $(ARGS)
	$(BIN)/python -m benchmarks.many_tools $(ARGS)
	$(BIN)/python -m benchmarks.steps $(ARGS)
	$(BIN)/python -m benchmarks.gpu --fresh $(ARGS)

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

# The builds have files in common, and pip takes torch's CPU build for its CUDA build: the other one goes first. Its name
# is written before anything of it is installed, so that an interrupted installation is known too.
$(INSTALLED): requirements.txt requirements-$(BUILD).txt pyproject.toml | $(BIN)/python
	@installed=$$(cat $(VENV)/.build 2>/dev/null || { ! [ -e $(VENV)/.installed ] || echo cpu; }); \
	if [ "$${installed:-$(BUILD)}" != $(BUILD) ]; then \
	  echo "==> Removing the packages of requirements-$$installed.txt from $(VENV)"; \
	  rm -f $(VENV)/.installed*; \
	  $(BIN)/python -m pip uninstall --quiet --yes $$(sed -n 's/==.*//p' requirements-$$installed.txt) || exit 1; \
	fi; \
	echo $(BUILD) > $(VENV)/.build
	@echo "==> Installing the pinned packages of requirements-$(BUILD).txt into $(VENV) (once; a download of $(DOWNLOAD_$(BUILD)))"
	$(BIN)/python -m pip install --no-deps --requirement requirements-$(BUILD).txt
	@echo "==> Installing latticework itself"
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@

$(TRITON): | $(INSTALLED)
	@echo "==> Installing Triton into $(VENV)/triton (once; a download of 290 MB)"
	$(BIN)/python -m pip install --no-deps --upgrade --target $(VENV)/triton triton==$(TRITON_VERSION)
	@touch $@

$(RAY)/.installed: requirements-ray.txt $(INSTALLED)
	@echo "==> Installing Ray Serve into $(RAY) (once; a download of 100 MB)"
	$(BIN)/python -m venv $(RAY)
	$(RAY)/bin/python -m pip install --no-deps --requirement requirements-ray.txt
	@echo "import site; site.addsitedir('$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')')" > \
	  "$$($(RAY)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz_venv.pth"
	@touch $@

# Each candidate is run, because a version manager's shim can be on the PATH and still fail.
$(BIN)/python:
	@for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	  if $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "==> Making $(VENV) with $$($$python --version)"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "latticework needs Python 3.11 or newer: install it, or set its path with make PYTHON=..." >&2; exit 1

# make demo    see it work            make test    the whole test suite
# make check   style, types, layers   make clean   remove the environment
# make bench   the benchmarks beside their peers, and docs/benchmarks.md (some 20 minutes)

# The first that runs: a version manager may have a name on the path for a Python it does not start.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
  done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# What the benchmarks measure on, and where their page goes; QUICK=--quick runs them small.
DATA ?= ../shared/data/lfw
OMNIGLOT ?= ../shared/data/omniglot
OUT ?= docs
QUICK ?=

.PHONY: demo test check bench clean

demo: $(VENV)/.product
	$(BIN)/firstsight demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.dependencies

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks --lfw $(DATA) --omniglot $(OMNIGLOT) --out $(OUT) $(QUICK)

clean:
	rm -rf $(VENV)

$(VENV)/.venv:
	@test -n "$(PYTHON)" || \
	  { echo "firstsight needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.product: $(VENV)/.venv pyproject.toml constraints.txt
	@echo "Installing firstsight into $(VENV) (a few minutes the first time) ..."
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.product
	@echo "Installing the tools of the tests ..."
	$(PIP) --editable ".[dev]"
	@touch $@

# face-recognition asks for dlib, which would be compiled for a long time: dlib-bin is the same, built.
$(VENV)/.bench: $(VENV)/.product
	@echo "Installing the peers of the benchmarks ..."
	$(PIP) --editable ".[bench]"
	$(PIP) --no-deps face-recognition==1.3.0
	@touch $@

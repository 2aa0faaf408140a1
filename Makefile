# `make` alone lists what there is. Needs Python 3.11, 3.12 or 3.13, and a network for `setup`; nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/bash

BIN := .venv/bin
STAMP := .venv/.in-step-with-the-lock
UV_OF_OUR_OWN := build/uv
UV = $(shell command -v uv || echo $(UV_OF_OUR_OWN)/bin/uv)
# A Python that is here is used; none is ever downloaded.
export UV_PYTHON_DOWNLOADS := never
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(SUITABLE)' 2>/dev/null && command -v $$python && break; done)

# Two processes, each with servers of its own: half of the time a test waits.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile

.PHONY: help setup demo down test test-long check bench screenshots lock uv browser

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## the environment in .venv, exactly as locked

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 here; install one and try again." >&2; exit 1; }
	@$(MAKE) --no-print-directory uv
	test -x $(BIN)/python || $(UV) venv --quiet --python "$(PYTHON)" .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# Debian's Python may come without venv or without pip; either will do.
uv:
	@$(UV) --version >/dev/null 2>&1 \
	|| { $(PYTHON) -m venv $(UV_OF_OUR_OWN) && $(UV_OF_OUR_OWN)/bin/pip install --quiet uv; } 2>/dev/null \
	|| $(PYTHON) -m pip install --quiet --target $(UV_OF_OUR_OWN) uv \
	|| { echo "Neither uv, venv nor pip here; install one (Debian: apt-get install python3-venv)." >&2; exit 1; }

demo: setup ## the whole product up, real applicants decided, the addresses printed
	@$(BIN)/plimsoll demo

down: setup ## stops what `make demo` left running
	@$(BIN)/plimsoll down

test: setup browser ## the suite without the long forms
	@$(BIN)/pytest -m "not long" $(SIDE_BY_SIDE) $(ARGS)

test-long: setup browser ## the long forms: soak, chaos, load
	@$(BIN)/pytest -m long $(ARGS)

check: setup ## lint, types, import contracts, promises of the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@test ! -d tests/docs || $(BIN)/pytest -q tests/docs

bench: setup ## what a decision costs on this machine
	@$(BIN)/python -m bench $(ARGS)

screenshots: setup browser ## pictures of the console in docs/screens, of the stack that `make demo` left running
	@$(BIN)/python docs/make_screenshots.py

lock: uv ## requirements.lock anew from pyproject.toml
	$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes \
		--no-emit-index-url --no-annotate --no-header -q -o requirements.lock

# The browser tests skip themselves where there is none.
browser:
	@command -v chromium >/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing chromium" \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null; } \
	|| echo "No chromium here, so the browser tests are skipped; install it (Debian: apt-get install chromium)."

# `make serve` runs the service, `make test` checks it; both set up what they need first.

# The first Python on the PATH that is new enough; another one: make PYTHON=/path/to/python serve
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable

export FLASK_APP := wsgi.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve test quick lint format screenshots clean

help:
	@echo "make serve   run the service on HOST:PORT (127.0.0.1:8080)"
	@echo "make test    every check: style, types, layers, tests on SQLite and PostgreSQL"
	@echo "make quick   the checks, and the tests around the files changed since main, on SQLite"
	@echo "make lint    the checks without the tests"
	@echo "make format  rewrite the code in the agreed style"
	@echo "make screenshots  the pictures of the README, with Chromium and terraform"
	@echo "make clean   remove what make and the tools made; keeps instance/"

serve: $(VENV)/serve.stamp
	exec $(BIN)/groundplan serve

test: lint
	$(BIN)/pytest -n 3 --cov

quick: lint
	$(BIN)/pytest -n 2 -q -k "not postgresql" $$($(BIN)/python -m tests.support.changed)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

screenshots: $(VENV)/test.stamp
	$(BIN)/python -m tests.end_to_end.screenshots

clean:
	rm -rf $(VENV) *.egg-info build dist htmlcov .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# Installed again only when the dependencies change. A new environment has no stamps, hence is filled from the start.
$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Groundplan needs Python 3.11 or newer" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/serve.stamp: setup.cfg .ci/constraints.txt | $(VENV)/pyvenv.cfg
	@echo "Installing Python packages into $(VENV); this takes a minute or two, once."
	$(INSTALL) .
	@touch $@

$(VENV)/test.stamp: setup.cfg .ci/constraints.txt | $(VENV)/pyvenv.cfg
	@echo "Installing Python packages and the tools of the tests into $(VENV); this takes a few minutes, once."
	$(INSTALL) '.[test,dev]'
	@touch $@ $(VENV)/serve.stamp

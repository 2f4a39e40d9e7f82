# make demo: from nothing to a measured classifier; make test: everything that must hold.  See make help.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROADWORTHY := $(BIN)/roadworthy
# A folder named by ROADWORTHY_DATA holds gtsrb/; `gtsrb:` alone looks there.
DATA ?= $(if $(ROADWORTHY_DATA),gtsrb:)
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench clean need-data

help:  ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12 picks the interpreter, DATA=gtsrb:DIR the data of the demo"

demo: need-data $(VENV)/.demo  ## install, train the study's four classes for a minute, report, predict
	@rm -rf demo
	$(ROADWORTHY) train --data "$(DATA)" --classes speed-50,speed-60,stop,no-entry --minutes 1 --out demo
	@echo
	@$(BIN)/python examples/predict_some.py demo 5
	@echo
	@echo "The report: $(abspath demo)/report.html"

# Before any installing: whoever has no data should hear of it at once.
need-data:
	@test -n "$(DATA)" || { echo "make demo needs GTSRB: run 'make demo DATA=gtsrb:DIR', or set ROADWORTHY_DATA to the folder that holds gtsrb/; get it with 'roadworthy data fetch gtsrb' or from https://benchmark.ini.rub.de" >&2; exit 2; }

test: $(VENV)/.test  ## install, lint, type check, run all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

lint: $(VENV)/.test  ## ruff and mypy alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test  ## let ruff put things in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test  ## measure what docs/results claims; needs ROADWORTHY_DATA and hours
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

clean:  ## remove the environment, caches and the demo's folder (not your runs/)
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Roadworthy needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -1); name another with make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# Stamps: installed for this pyproject and these constraints.  With dev comes all that the demo needs.
$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@test $(VENV)/.test -nt pyproject.toml -a $(VENV)/.test -nt constraints.txt || $(PIP_INSTALL) --editable '.[all]'
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) --editable '.[all,dev]'
	@touch $@

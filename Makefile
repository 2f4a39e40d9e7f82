# make demo: from nothing to a measured classifier; make test: everything that must hold.  See make help.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROADWORTHY := $(BIN)/roadworthy
# Without DATA the demo draws its own signs, and tests on GTSRB too where ROADWORTHY_DATA holds it.
DATA ?=
FOUR = --classes speed-50,speed-60,stop,no-entry
DRAWN = rendered:au+de
KILOMETRE = drive:au?km=1&fps=10&light=day&seed=2&region=au-vic
# Steps that take about a minute on a quiet machine; a busy one gets up to five minutes for them.
FLOOR = --set train.min_steps=600
LEARNT = --require accuracy=0.9 || { test $$? -eq 3 && echo "The demo could not: it is meant to end above 90 %. Try again when less else runs." >&2; }
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test coverage more lint format docs story page bench clean

help:  ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12 picks the interpreter, DATA=gtsrb:DIR the data of the demo (without: drawn signs)"

demo: $(VENV)/.demo  ## install, train the study's four classes for a minute, report, predict, watch a drawn kilometre
	@rm -rf demo
ifneq ($(DATA),)
	$(ROADWORTHY) train --data "$(DATA)" $(FOUR) --minutes 1 $(FLOOR) --out demo $(LEARNT)
else
	@echo "drawing 8,000 pictures of signs and more to test on (a minute or two), then training for a minute"
	$(ROADWORTHY) train --data "$(DRAWN)?per_class=2000" $(FOUR) --config recipes/demo.toml --out demo $(LEARNT)
	@echo "(on drawn pictures: the recipe other-test)"
	@if [ -d "$(ROADWORTHY_DATA)/gtsrb" ]; then \
		echo; echo "the same network on GTSRB's official test, photographs that it never saw:"; \
		$(ROADWORTHY) evaluate demo --data gtsrb: --skip-unknown --out demo/gtsrb; fi
endif
	@echo; echo "predictions on pictures drawn just now:"
	@$(ROADWORTHY) render "$(DRAWN)?recipe=other-test&seed=1&signs=speed-50+speed-60+stop+no-entry" --per-class 2 --size 64 --out demo/pictures >/dev/null
	@$(ROADWORTHY) predict demo demo/pictures --top 2
	@echo; echo "a drawn kilometre (drawing it takes about a minute), watched with the packaged model:"
	@$(ROADWORTHY) render "$(KILOMETRE)" --out demo/kilometre >/dev/null
	@$(ROADWORTHY) drive demo/kilometre/film.mp4 --gps demo/kilometre/track.gpx --region au-vic --video --out demo/drive
	@echo
	@echo "The training's report: $(abspath demo)/report.html"
	@echo "The drive's report: $(abspath demo)/drive/report.html"
	@echo "The film with its signs and limits: $(abspath demo)/drive/annotated.mp4"

test: $(VENV)/.test  ## install, lint, type check, run all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/pytest --numprocesses auto --dist loadfile

coverage: $(VENV)/.test  ## run all tests and list the lines that none of them reaches; takes longer
	$(BIN)/pytest --numprocesses auto --dist loadfile --cov

more: $(VENV)/.test  ## install what some tests skip without: Ray, captum, a pretrained network
	$(PIP_INSTALL) --editable '.[all,dev,cluster,pretrained]' captum==0.9.0

lint: $(VENV)/.test  ## ruff and mypy alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

format: $(VENV)/.test  ## let ruff put things in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.test  ## the documentation as a site, in site/
	$(BIN)/mkdocs build --strict --quiet
	@echo "$(abspath site)/index.html"

# All classes in the place of four: the same study's name.
KEPT = $(filter-out %-43.tar.xz,$(wildcard docs/results/kept/*.tar.xz))
story: $(VENV)/.test  ## the page and the film of the study, from its kept trainings, into docs (with chromium, ffmpeg, espeak-ng)
	$(ROADWORTHY) report $(KEPT) --out build/studies
	$(ROADWORTHY) study --story docs/story.html --out build/studies
	$(ROADWORTHY) study --present docs/film --out build/studies

page: $(VENV)/bin/python  ## fetch what the page in the browser runs on (npm, pinned and checked)
	$(BIN)/python src/roadworthy/serve/vendor.py

bench: $(VENV)/.test  ## measure what docs/results claims; needs ROADWORTHY_DATA and hours
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

clean:  ## remove the environment, caches and the demo's folder (not your runs/)
	rm -rf $(VENV) demo site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Roadworthy needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -1); name another with make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# Stamps: installed for this pyproject and these constraints.  With dev comes all that the demo needs.
$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@test $(VENV)/.test -nt pyproject.toml -a $(VENV)/.test -nt constraints.txt || { \
		echo "installing what the demo needs into $(VENV): about a gigabyte and two minutes"; \
		$(PIP_INSTALL) --editable '.[all]'; }
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing everything that development needs into $(VENV): some minutes"
	$(PIP_INSTALL) --editable '.[all,dev]'
	@touch $@

# make app         the app in a browser, on 127.0.0.1:7860
# make notebooks   what is inside, explained and tried out, in JupyterLab
# make check       format, lint, types
# make test        all tests
#
# Each makes .venv and installs what it needs the first time, and again when pyproject.toml or constraints.txt change.

PORT ?= 7860
VIDEOS ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# The pyright that pip installed, on the Node.js that pip installed: nothing else is fetched.
PYRIGHT_ENV := PYRIGHT_PYTHON_GLOBAL_NODE=off PYRIGHT_PYTHON_IGNORE_WARNINGS=1

.DELETE_ON_ERROR:
.PHONY: help app install notebooks dev check format test coverage clean

help:
	@sed -n '1,4s/^# //p' Makefile

app: $(STAMPS)/app
	$(BIN)/vidmem app --port '$(PORT)' $(if $(VIDEOS),--videos '$(VIDEOS)') $(ARGS)

install: $(STAMPS)/app

# Its news and updates are off: nothing is fetched, whatever its question about news is answered.
notebooks: $(STAMPS)/notebooks
	$(BIN)/jupyter-lab --ServerApp.root_dir=. --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.extension_manager=readonly \
	  $(ARGS) notebooks/01_memory.ipynb

dev: $(STAMPS)/dev

check: $(STAMPS)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PYRIGHT_ENV) $(BIN)/pyright

format: $(STAMPS)/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(STAMPS)/dev
	$(BIN)/python -m pytest $(ARGS)

coverage: $(STAMPS)/dev
	$(BIN)/python -m pytest --cov --cov-report=term-missing $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .coverage build dist

# A .venv that works is kept. Else any of these names will do, as long as it is 3.11 to 3.13; PYTHON=... picks one.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

$(STAMPS)/venv:
	@if $(BIN)/python -c 'import pip; $(FITS)' 2> /dev/null; then mkdir -p $(STAMPS) && touch $@ && exit 0; fi; \
	for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
	  command -v "$$python" > /dev/null || continue; \
	  found="$$found, $$("$$python" --version 2>&1)"; \
	  "$$python" -c '$(FITS)' 2> /dev/null || continue; \
	  "$$python" -c 'import ensurepip, venv' 2> /dev/null || { no_venv="$$python"; continue; }; \
	  echo "making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV) && mkdir -p $(STAMPS) && touch $@ && exit 0; \
	  echo "could not make $(VENV) with $$python: see the message above" >&2; exit 1; \
	done; \
	if [ -n "$$no_venv" ]; then \
	  echo "$$no_venv cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; \
	else \
	  echo "vidmem needs Python 3.11, 3.12 or 3.13; found: $${found#, }. Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	fi; exit 1

# torch on its own and first: the pinned version decides which build pip takes, and what follows finds it there.
$(STAMPS)/torch: constraints.txt | $(STAMPS)/venv
	@echo 'installing torch (once; some minutes on a slow line)'
	@$(filter-out --quiet,$(PIP_INSTALL)) "$$(grep '^torch==' constraints.txt)"
	@touch $@

$(STAMPS)/app: pyproject.toml constraints.txt $(STAMPS)/torch
	@echo 'installing vidmem and its app'
	@$(PIP_INSTALL) --editable '.[app]'
	@touch $@

$(STAMPS)/dev: pyproject.toml constraints.txt $(STAMPS)/torch
	@echo 'installing vidmem, its app and what checks and tests need'
	@$(PIP_INSTALL) --editable '.[app,dev]'
	@touch $@ $(STAMPS)/app

$(STAMPS)/notebooks: pyproject.toml constraints.txt $(STAMPS)/torch
	@echo 'installing vidmem and what its notebooks need'
	@$(PIP_INSTALL) --editable '.[notebooks]'
	@touch $@

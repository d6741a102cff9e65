# Each target sets up what it needs in .venv by itself. `make help` explains them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PORT ?= 8080
LMS_PORT ?= 8081
FAMILY ?= standard

# The first Python of 3.11 or newer; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup setup-run python demo demo-check test test-long lint bench bench-matching soak pictures migration lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Peerloop needs Python 3.11 or newer. Install one, or name it: make … PYTHON=/path/to/python3" >&2; exit 1; }

setup-run: python ## Install what running Peerloop needs into .venv
	@$(PYTHON) lti_tool/bootstrap.py run

setup: python ## Install everything, tools for tests included, into .venv
	@$(PYTHON) lti_tool/bootstrap.py test

demo: setup-run ## Play the whole loop on a sandbox LMS and stay, with an address for each role (FAMILY=canvas …)
	@$(BIN)/peerloop demo --family $(FAMILY) --port $(PORT) --lms-port $(LMS_PORT)

demo-check: setup-run ## Play the same without staying; fail on a wrong count
	@$(BIN)/peerloop demo --check --family $(FAMILY)

test: setup ## Run the suite (under ten minutes)
	@$(BIN)/python -m pytest -n 2 -m "not long"

test-long: setup ## Run what takes longer: the loop on PostgreSQL and on every LMS, soaks, every page in every size and theme
	@$(BIN)/python -m pytest -m long

lint: setup ## Check style, types and the arrows between rooms
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: setup ## Measure launches, platforms, rosters, scores, cells, rooms and histories, each beside its peer
	@$(BIN)/python -m benchmarks

bench-matching: setup ## Measure the forming of cohorts beside its peers, and draw it (SECONDS=20 for a shorter run)
	@$(BIN)/python -m benchmarks matching

soak: setup ## Kill workers and break the LMS for minutes, 20,000 grades, and count what became of them
	@$(BIN)/python -m tests.soak

pictures: setup ## Take the pictures of the documentation from a running demo
	@$(BIN)/python -m tests.pictures

migration: setup ## Make a migration from a change of the tables: make migration m="Add …"
	@PEERLOOP_DATABASE_URL=sqlite:///var/migration.db $(BIN)/peerloop db upgrade
	@PEERLOOP_DATABASE_URL=sqlite:///var/migration.db FLASK_APP=wsgi:app $(BIN)/flask db migrate -m "$(m)"

lock: setup ## Write the lock files anew from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

# Carport. `make help` lists what there is; nothing but make and Python >= 3.11 (with venv) is needed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
UNITS := shared services/auth services/accounts services/payments services/notifications \
	services/lease gateway portal deploy/allinone
PROJECTS := $(UNITS:%=%/pyproject.toml)
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
WORKERS ?= auto

# The first interpreter that runs and is new enough; override with PYTHON=... .
PYTHON ?= $(shell for p in $$(type -ap python3.13 python3.12 python3.11 python3); do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)

# Stamps: the run requirements, the units in place, and, for tests and checks only, the dev ones.
VENV_OK := $(VENV)/.created
RUN_OK := $(VENV)/.run-requirements
UNITS_OK := $(VENV)/.units
DEV_OK := $(VENV)/.dev-requirements

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

## ---- run -------------------------------------------------------------------------------------

.PHONY: run
run: $(UNITS_OK) ## Start everything in one process with demo data (installs what is missing)
	@exec $(BIN)/carport up

.PHONY: setup
setup: $(UNITS_OK) $(DEV_OK) ## Install everything for development
	@echo "Ready: $(BIN)/python"

$(VENV_OK):
	@[ -n "$(PYTHON)" ] || { echo "Carport needs Python 3.11 or newer with venv; none was found."; exit 1; }
	@echo "[1/3] Creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUN_OK): requirements/run.txt | $(VENV_OK)
	@echo "[2/3] Installing $$(grep -c == $<) locked packages (about a minute the first time)"
	@$(PIP) install -qq --no-deps --require-hashes -r $<
	@touch $@

$(UNITS_OK): $(PROJECTS) $(RUN_OK)
	@echo "[3/3] Installing Carport's $(words $(UNITS)) units in place"
	@$(PIP) install -qq --no-deps --no-build-isolation $(UNITS:%=-e ./%)
	@touch $@

$(DEV_OK): requirements/dev.txt $(RUN_OK)
	@echo "[dev] Installing tools for tests and checks"
	@$(PIP) install -qq --no-deps --require-hashes -r $<
	@touch $@

## ---- containers ------------------------------------------------------------------------------

COMPOSE := docker compose

.PHONY: images
images: ## Build the image of every unit
	@$(COMPOSE) --profile ops build -q

.PHONY: up
up: images ## Start every unit in a container of its own, on PostgreSQL, RabbitMQ and Valkey
	@deploy/compose/make-secrets
	@$(COMPOSE) up -d --wait || { echo "Not all of it came up; make logs tells why."; exit 1; }
	@echo "Carport is running at http://localhost:$${PORT:-8000}. make demo loads the demo lender, once."

.PHONY: demo
demo: ## Load the demo lender into the running containers and wait until it is complete
	@$(COMPOSE) run --rm --no-deps ops demo

.PHONY: logs
logs: ## Follow what the containers write
	@$(COMPOSE) logs -f --tail 100

.PHONY: down
down: ## Stop the containers; the data stays unless v=1
	@$(COMPOSE) --profile ops down $(if $(v),--volumes)

## ---- checks ----------------------------------------------------------------------------------

.PHONY: check
check: setup ## Format, lint, types, layers, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if [ -f tools/docs.py ]; then $(MAKE) docs-check; fi

.PHONY: format
format: setup ## Rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: test
test: setup ## Unit, service, API and embedded end-to-end tests (at most 6 minutes)
	$(PYTEST) -n $(WORKERS)
	@echo "Left out: test-browser, test-faults, test-distributed, test-security, test-integration, test-containers, test-wheels, proof."

.PHONY: test-browser
test-browser: setup ## The portal in a real browser (needs Chromium)
	$(PYTEST) tests/browser

.PHONY: test-faults
test-faults: setup ## Every crash point once, with a killed process
	$(PYTEST) -n 2 --dist loadfile tests/faults

.PHONY: test-distributed
test-distributed: setup ## Outages, restarts, zombies and poison while customers pay (servers as in test-integration)
	$(PYTEST) tests/distributed

.PHONY: test-security
test-security: setup ## Generated requests against every endpoint, 3,000 cases per caller
	$(PYTEST) tests/security

.PHONY: test-integration
test-integration: setup ## The claims on real servers: PostgreSQL, RabbitMQ and Valkey
	$(PYTEST) -n 2 --dist loadfile tests/integration

.PHONY: test-containers
test-containers: setup ## The container stack and what watches it (needs a Docker engine)
	$(PYTEST) tests/containers

.PHONY: test-wheels
test-wheels: setup ## Each service's tests with its own wheel and what that needs, nothing else
	$(PYTEST) -n 2 tests/wheels

.PHONY: proof
proof: setup ## The long runs: larger sizes of the lanes above
	CARPORT_PROOF=1 $(PYTEST) tests/faults tests/security

.PHONY: bench
bench: setup ## Start-up, memory and accepted-to-posted time of this machine (nothing is asserted)
	PYTHONPATH=tests $(BIN)/python benchmarks/embedded.py

.PHONY: bench-distributed
bench-distributed: setup ## Ratios of the distributed mode, both sides in one run (servers as in test-integration)
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.distributed $(only)

## ---- maintenance -----------------------------------------------------------------------------

.PHONY: migration
migration: setup ## New schema revision: make migration s=accounts m="add a column"
	@[ -n "$(s)" ] && [ -n "$(m)" ] || { echo 'usage: make migration s=accounts m="add a column"'; exit 2; }
	$(BIN)/python tools/migration.py "$(s)" "$(m)"

.PHONY: docs
docs: setup ## Write the generated pages again
	$(BIN)/python tools/docs.py
	$(BIN)/python tools/rules.py

.PHONY: docs-check
docs-check: setup
	$(BIN)/python tools/docs.py --check
	$(BIN)/python tools/rules.py --check

.PHONY: lock
lock: setup ## Resolve requirements/*.in to hash-pinned *.txt without any registry address
	@cd requirements && for f in run dev; do \
	../$(BIN)/uv pip compile --quiet --no-config --generate-hashes --no-header --no-annotate \
	--universal --python-version 3.11 $$f.in -o $$f.txt; done

.PHONY: clean
clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

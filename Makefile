# Two commands do all the set-up on a machine with Python 3.11 and make: `make demo`, `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 2
SOURCES := credit_forensics tests

.DEFAULT_GOAL := help
.PHONY: help demo lint test unit test-browser thorough chromium mariadb accuracy bench benchmark-truth simulate mutants test-scale wheel parts hashes checked clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/.package: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; install it or pass PYTHON=…"; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.package
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	touch $@

checked: ## install what demo needs with each file's hash checked (Linux x86-64, Python 3.11; elsewhere run hashes first)
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(PIP) install --require-hashes --requirement constraints-hashes.txt
	$(PIP) install --no-deps --editable .
	touch $(VENV)/.package

hashes: $(VENV)/.package ## write constraints-hashes.txt anew, for machines like this one
	$(PIP) install --dry-run --ignore-installed --constraint constraints.txt --report $(VENV)/report.json .
	$(BIN)/python .ci/hash_requirements.py $(VENV)/report.json > constraints-hashes.txt

parts: $(VENV)/.package ## list what the package is made of, as CycloneDX
	mkdir -p dist
	$(BIN)/python .ci/list_parts.py > dist/parts.cdx.json

demo: $(VENV)/.package ## make the demo case, analyse it, render its report
	$(BIN)/credit-forensics demo demo

lint: $(VENV)/.dev ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/.dev mariadb ## the tests that need no browser
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not browser and not accuracy and not bench and not scale and not thorough" $(SOURCES)

test: lint unit test-browser ## lint and all tests

mariadb: ## install Debian's MariaDB server where there is none; the tests start one of their own
	@command -v mariadbd >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mariadb-server; }

chromium: ## install Debian's Chromium where there is none
	@command -v chromium >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; }

test-browser: $(VENV)/.dev chromium ## the tests that drive headless Chromium
	$(BIN)/pytest -m browser tests

thorough: $(VENV)/.dev mariadb ## the laws of make test at more sizes, seeds and moments: half an hour
	$(BIN)/pytest -n $(WORKERS) -m thorough tests
	LAWS_EXAMPLES=60 $(BIN)/pytest tests/judgement/test_laws.py
	SIMULATOR_SEEDS=10 $(BIN)/pytest -n $(WORKERS) tests/simulator

accuracy: $(VENV)/.dev ## worlds with truth: the accuracy table, and its thresholds
	$(BIN)/pytest -m accuracy tests -s

bench: $(VENV)/.dev ## speed, as ratios within one run
	$(BIN)/python tests/benchmarks/run_all.py

benchmark-truth: $(VENV)/.dev ## fusion on public claims with known truth; DATA=<folder of them>
	$(BIN)/python tests/benchmarks/truth_discovery.py --data "$(DATA)"

simulate: $(VENV)/.dev ## a hundred seeds of everything that moves credits, and planted faults; SIMULATOR_FIRST=<seed> SIMULATOR_SEEDS=1 plays one again
	SIMULATOR_SEEDS=$${SIMULATOR_SEEDS:-100} SIMULATOR_STEPS=$${SIMULATOR_STEPS:-500} SIMULATOR_FAULTS=$${SIMULATOR_FAULTS-1} $(BIN)/pytest -n $(WORKERS) tests/simulator

mutants: $(VENV)/.dev ## change the package one expression at a time; name what no test notices
	$(BIN)/python tests/mutants/run_mutants.py --workers $(WORKERS)

test-scale: $(VENV)/.dev ## large worlds, load with faults, Spark and ClickHouse (Java 17)
	$(PIP) install --constraint constraints.txt --editable '.[dev,spark,clickhouse]'
	$(BIN)/pytest -m scale tests -s

wheel: $(VENV)/.dev parts ## build wheel and sdist into dist/, beside the list of their parts
	$(PIP) install --constraint constraints.txt build
	$(BIN)/python -m build

clean: ## remove what the targets made
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache

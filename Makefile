# Everything starts from python3 (3.11 or newer) and pip; `make help` says what there is.

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.made-from-pyproject-and-constraints

.DEFAULT_GOAL := help
.PHONY: help env demo check test clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(STAMP) ## Make the environment in .venv (again, when pyproject.toml or constraints.txt changed)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(PYTHON) is `$(PYTHON) --version 2>&1 || echo absent`, Python 3.11 or newer is needed" >&2; \
	  echo "HINT: Name a newer one, as in: make env PYTHON=python3.12" >&2; exit 2; }
	@echo "making the environment in .venv (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv 2>/dev/null || { \
	  : "Debian ships venv without ensurepip; the pip outside can fill the environment just as well"; \
	  $(PYTHON) -m venv --clear --without-pip .venv && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,production]'
	@touch $(STAMP)

demo: env ## Back up a sandbox Jira, lose a project, get it back, see the proof (ARGS=--no-ui: end when done)
	@$(BIN)/jira-backup demo $(ARGS)

check: env ## Lint, formatting, types, layers, rules of the tree
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python .ci/check_tree.py

test: check ## Everything in check, then the whole test suite (ARGS=... goes to pytest)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= $(ARGS)
	@$(BIN)/python -m coverage report --format total | sed 's/^/branch coverage in per cent: /' >&2

clean: ## Remove the environment, caches and the demo's data
	rm -rf .venv build dist demo-data htmlcov .coverage .coverage.* *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

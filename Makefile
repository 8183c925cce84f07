# tablecast. Only features of GNU make 3.81, which macOS brings.
#   make run     set up and start everything          make check   all gates but the tests
#   make test    set up and run the tests             make fmt     format the code
#   make test-long  the same proofs over more data

SHELL := /bin/sh
export UV_PYTHON_DOWNLOADS := never

BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
PINS := pyproject.toml uv.lock requirements.txt requirements-dev.txt

# The newest Python that starts; a name on PATH alone proves nothing (pyenv leaves dead shims).
PYTHON := $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)

.PHONY: run test test-long check bench bench-long drill fmt lock clean needs-python

run: .venv/run.stamp
	@exec $(BIN)/tablecast up

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/rules

# The same proofs over more data, and properties over many more examples, found anew each time.
test-long: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "long or hypothesis" --hypothesis-profile=long

check: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tablecast schema export --check
	$(BIN)/python -m pytest tests/rules

bench: .venv/dev.stamp
	$(BIN)/python -m bench

bench-long: .venv/dev.stamp
	$(BIN)/python -m bench.large
	$(BIN)/python -m bench.cells
	$(BIN)/python -m bench.documents

drill: .venv/dev.stamp
	$(BIN)/python -m bench.drill

fmt: .venv/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# After a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv lock
	uv export --frozen --quiet --no-header --no-annotate --no-emit-project --no-dev --group build -o requirements.txt
	uv export --frozen --quiet --no-header --no-annotate --no-emit-project --only-group dev -o requirements-dev.txt
	uv export --frozen --quiet --no-header --no-annotate --no-emit-project --no-dev --extra ocr -o requirements-ocr.txt

# The data folder .tablecast stays.
clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ifneq ($(UV),)

.venv/run.stamp: $(PINS)
	uv sync --frozen --inexact --no-dev
	@touch $@

.venv/dev.stamp: $(PINS)
	uv sync --frozen --inexact
	@touch $@ .venv/run.stamp

else

.venv/run.stamp: $(PINS) | needs-python
	$(PYTHON) .ci/make_venv.py requirements.txt
	@touch $@

.venv/dev.stamp: $(PINS) | needs-python
	$(PYTHON) .ci/make_venv.py requirements.txt requirements-dev.txt
	@touch $@ .venv/run.stamp

needs-python:
	@test -n "$(PYTHON)" || { \
	  echo "tablecast needs Python 3.11 or newer; this machine has `python3 --version 2>&1 || echo none`."; \
	  echo "Install one (Debian: apt install python3; macOS: brew install python) or install uv."; exit 1; }

endif

# Two commands: `make demo` answers the question on the embedded images, `make test` checks all.
# A target stops at its first failing step; stamps in .venv keep a second call from installing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEPENDENCIES := pyproject.toml constraints.txt

.PHONY: demo test check gpu-check format docs clean

demo: $(VENV)/.installed
	$(BIN)/scaling-search run --preset demo --out runs/demo

# Four at once on any machine: many tests wait, for processes that start or end.
test: check
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --durations 10

# What only a GPU shows: at most eight minutes on one card (docs/gpu-node.md).
gpu-check: $(VENV)/.installed-gpu
	$(BIN)/python benchmarks/gpu_check.py

# What pre-commit runs too.
check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The site of the documentation, in build/site; a broken link fails.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Order-only: the interpreter's own date says nothing about what is installed.
$(VENV)/.installed: $(DEPENDENCIES) | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(DEPENDENCIES) | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(DEPENDENCIES) | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@ $(VENV)/.installed

# timm is the peer of the training rates; all that it needs is there already.
$(VENV)/.installed-gpu: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[gpu]'
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps timm
	touch $@

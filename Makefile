# `make demo` runs the main job, `make test` the tests, `make quick` those that take no time,
# `make lint` the checks, `make soak` a thousand small runs, `make docs` builds the site;
# `make readme` writes anew what the commands of README and docs/ print; `make gpu` checks, tests
# and measures the accelerator that is there.
# Each installs what it needs into .venv; nothing has to be done before.

PYTHON ?= python3
BIN := .venv/bin
DEMO := results/demo
# Two processes, each with files of tests of its own, the slow ones first (tests/conftest.py).
TOGETHER := --numprocesses 2 --dist loadfile --no-loadscope-reorder
# Else each of the processes that tests start compiles what it imports, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test quick soak lint docs readme aot gpu clean

demo: .venv/installed
	$(BIN)/drift run --sigma 1e-9 --device cpu --out $(DEMO).zarr --overwrite
	$(BIN)/drift plot curves $(DEMO).zarr --out $(DEMO)-curves

test: .venv/installed-test
	$(BIN)/python -m pytest $(TOGETHER)

quick: .venv/installed-test
	$(BIN)/python -m pytest $(TOGETHER) -m 'not slow and not soak'

soak: .venv/installed-test
	$(BIN)/python -m pytest -m soak

lint: .venv/installed-lint .venv/types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd .venv/types && ../bin/mypy --config-file ../../pyproject.toml

# The tree as it is installed, in links: for mypy, and for editors.
.venv/types: .venv/bin/python
	mkdir -p $@/drift
	ln -sfn $(addprefix $(CURDIR)/,drift/__init__.py drift/__main__.py drift/plot.py drift/py.typed kernels sim experiments) $@/drift
	touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "drift needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-%: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

# The site, in site/: README.md, docs/ and the reference, with the pictures of the gallery.
docs: .venv/installed-docs
	$(BIN)/mkdocs build --quiet

readme: .venv/installed-test
	$(BIN)/python -m tests.support.readme_tour

# Whatever accelerator is here: is it right, and how fast? Exits with 2 where there is none.
gpu: .venv/installed-test
	@$(BIN)/python -m drift.experiments.accelerator results/bench

# The CUDA and TPU compilers are large and pin their own versions: an environment apart.
aot: .venv-aot/installed
	.venv-aot/bin/python -m drift.experiments.aot.__main__ results/aot/README.md

.venv-aot/installed: pyproject.toml
	$(PYTHON) -m venv .venv-aot
	.venv-aot/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[aot]'
	touch $@

clean:
	rm -rf .venv .venv-aot

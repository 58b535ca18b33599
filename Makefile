# What a person types; each target says what it does. Needs Python 3.11 or later and a package index.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TOOLS := .venv/tools
BENCH := .venv-bench/bin/python

.PHONY: run test setup check slow docs web recorded bench bench-planner clean

run: $(READY)  ## set up everything and run a first lab to its verdict
	$(BIN)/pilotlight run momentum

test: check  ## the quick checks and tests, on all cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --ignore=tests/browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/browser

setup: $(TOOLS)  ## make .venv with everything in it, what developers need too

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Pilotlight needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Say: make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[notebooks]'
	@touch $(READY)

$(TOOLS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(TOOLS)

check: $(TOOLS)  ## style, types, layers, documents in step
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

slow: $(TOOLS)  ## what takes longer: full-length runs and the tests marked slow
	$(BIN)/python -m pytest -q -m slow --override-ini 'addopts=-ra --strict-markers --strict-config --import-mode=importlib'
	$(BIN)/pilotlight verify --all

docs: $(TOOLS)  ## write generated documents afresh
	$(BIN)/python docs/generate.py

recorded: $(TOOLS)  ## run labs whose page lacks an up-to-date run to show, and keep it small
	$(BIN)/python docs/recorded.py

web: $(TOOLS)  ## build the app's page from web/; needs an npm registry, no Node
	$(BIN)/python hatch_build.py

bench: .venv-bench/ready  ## measure speed and memory side by side with peers, a quarter of an hour
	$(BENCH) -m benchmarks
	$(BENCH) -m benchmarks own-data

bench-planner: .venv-bench/ready  ## measure which networks gain from training together
	$(BENCH) -m benchmarks planner

.venv-bench/ready: pyproject.toml constraints.txt benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	$(BENCH) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@grep -v '^#' benchmarks/requirements.txt | while read peer; do \
	  $(BENCH) -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$peer" \
	  || echo "$$peer cannot be installed here: it is left out."; done
	@touch .venv-bench/ready

clean:  ## remove what was made, runs excepted
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist build

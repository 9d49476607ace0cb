# Everything works on a fresh machine with Python (3.11 or newer), a C compiler and make:
#   make run [SCENARIO=file.yaml]   set up, then simulate; without SCENARIO, the quick start
#   make test                       set up, then all checks and tests
# Deeper: make test-deep, make sanitize, make mutate-c, make bench.

PYTHON ?= python3
CC ?= cc
VENV ?= .venv
SCENARIO ?= scenarios/quickstart.yaml
OUT ?= runs/$(basename $(notdir $(SCENARIO)))

bin := $(VENV)/bin
sources := pyproject.toml setup.py $(wildcard csrc/*.c csrc/*.h csrc/*.py)
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help:
	@sed -n '1,4s/^# \{0,1\}//p' Makefile

# ---- set-up -----------------------------------------------------------------------------------------------

$(VENV)/pyvenv.cfg:
	@sh tools/check_tools.sh "$(PYTHON)" "$(CC)"
	@$(PYTHON) -m venv $(VENV)

# Stamped with the time of its beginning: a source that changes meanwhile is compiled again.
$(VENV)/.installed: $(VENV)/pyvenv.cfg $(sources)
	@echo "Setting up $(VENV) (once) ..." >&2
	@touch $@.began
	@CC="$(CC)" $(bin)/python -m pip install --quiet --disable-pip-version-check -e '.[report]'
	@mv $@.began $@

$(VENV)/.installed-dev: $(VENV)/pyvenv.cfg $(sources)
	@echo "Setting up $(VENV) for development (once) ..." >&2
	@touch $@.began
	@CC="$(CC)" $(bin)/python -m pip install --quiet --disable-pip-version-check -e '.[report,test,dev]'
	@touch -r $@.began $(VENV)/.installed
	@mv $@.began $@

.PHONY: install install-dev
install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# ---- the two commands of the README -----------------------------------------------------------------------

.PHONY: run test
run: $(VENV)/.installed
	@$(bin)/cosim run $(SCENARIO) --out $(OUT) --force

# The tests that begin on one processor stay there as long as there are enough for all: what a module sets up is used again.
test: lint $(VENV)/.installed-dev
	@$(bin)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

# ---- checks -----------------------------------------------------------------------------------------------

.PHONY: lint format typecheck
lint: $(VENV)/.installed-dev typecheck
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/clang-format --dry-run --Werror csrc/*.[ch] tests/litmus/systemc/*.cpp tests/litmus/systemc/*.h
	@for file in csrc/*.c; do \
	  $(CC) -std=c11 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Werror -c -o /dev/null $$file || exit 1; \
	done

typecheck: $(VENV)/.installed-dev
	@$(bin)/mypy

format: $(VENV)/.installed-dev
	@$(bin)/ruff check --fix --quiet . || true
	@$(bin)/ruff format .
	@$(bin)/clang-format -i csrc/*.[ch] tests/litmus/systemc/*.cpp tests/litmus/systemc/*.h

# ---- deeper -----------------------------------------------------------------------------------------------

.PHONY: sanitize mutate-c test-deep bench clean
sanitize: $(VENV)/.installed-dev
	@sh tools/sanitize.sh $(bin)/python "$(CC)"

# Plants mistakes in the C library, one at a time; each must turn a test red. NAMES=word ...: only some; JOBS=2: at once.
mutate-c: $(VENV)/.installed-dev
	@$(bin)/python tools/mutate_c.py $(NAMES)

test-deep: $(VENV)/.installed-dev
	@HYPOTHESIS_PROFILE=deep $(bin)/python -m pytest -m "slow or not slow" -n auto --maxprocesses 8 --dist worksteal

.PHONY: docs
docs: $(VENV)/.installed
	@$(bin)/python tools/kernel_reference.py docs/kernel-reference.md

# What SystemC prints for the programs of tests/litmus/systemc, recorded again; where SystemC is not installed, says so.
.PHONY: litmus-record
litmus-record:
	@$(MAKE) --no-print-directory -C tests/litmus/systemc

# SimPy's own test suite, fetched by pip, on our simulator.
.PHONY: simpy-suite
simpy-suite: $(VENV)/.installed-dev
	@$(bin)/python tools/simpy_suite.py build/simpy

# The published numbers once more (some minutes), and docs/validation.md of them.
.PHONY: validate
validate: $(VENV)/.installed-dev
	@$(bin)/cosim reproduce --out runs/reproduce > /dev/null
	@$(bin)/python tools/validate.py runs/reproduce/results.json

bench: $(VENV)/.installed
	@$(bin)/python -m benchmarks

# Measurements that docs/ shows, made anew.
.PHONY: study-pruning
study-pruning: $(VENV)/.installed
	@rm -f docs/studies/pruning.json
	@$(bin)/python -m studies.pruning

# The density grid of docs/core-grid.md: points, tables, plots.
.PHONY: docs-grid
docs-grid: $(VENV)/.installed
	@$(bin)/cosim core grid scenarios/chips/pnpu.yaml scenarios/chips/lnpu.yaml scenarios/chips/dense.yaml \
	  --out docs/core_grid
	@$(bin)/python tools/insert_tables.py docs/core-grid.md docs/core_grid/tables.md

clean:
	@rm -rf build dist *.egg-info cosim/*.so cosim/_kernels.c .mypy_cache .ruff_cache .pytest_cache .hypothesis

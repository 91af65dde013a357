# Every target makes the environment it needs; nothing is installed outside this directory,
# except that `make test` run by root fetches missing Debian packages by name (.ci/packages).

PYTHON := .venv/bin/python
SECOND := .venv.second/installed
WORKERS ?= 2
ARGS ?=

.PHONY: run test check others bench docs lock fmt clean env oracles types lint unit kernels kernels-check

run:
	./trading-cli run $(ARGS)

test: env
	.ci/packages
	@$(MAKE) --no-print-directory -j2 check others
	@$(MAKE) --no-print-directory unit

check: lint types
	.venv/bin/lint-imports
	$(PYTHON) tools/tidy.py

lint: env
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

types: env
	.venv/bin/mypy

# In CI a skipped test is a failed one.
PYTEST := PYTHONPATH=tools $(PYTHON) -m pytest $(if $(filter true,$(CI)),-p no_skips)

# To read all tests takes 20 s, so each round is shown only the files with its mark, or what is asked for.
PART = $(filter tests%,$(ARGS))
MARKED = $(if $(PART),,$$(grep -rl --include='test_*.py' 'mark\.$(1)' tests))
NONE_IS_FINE = || [ $$? -eq 5 ]

ONE_BY_ONE = --dist load --maxschedchunk 1

# Tests that measure time go first and alone, then the browser's: its driver keeps an event loop
# running, in which no other test could start its own; then those that start our processes, and those
# that mostly wait, more at a time than there are processors. pytest answers 5 where none is marked so.
unit: env $(SECOND) oracles
	$(PYTEST) -m serial $(call MARKED,serial) $(ARGS) $(NONE_IS_FINE)
	$(PYTEST) -m browser $(call MARKED,browser) $(ARGS) $(NONE_IS_FINE)
	$(PYTEST) -m processes -n $$(($(WORKERS) + 1)) $(ONE_BY_ONE) \
		$(call MARKED,processes) $(ARGS) $(NONE_IS_FINE)
	$(PYTEST) -m "wall and not serial" -n $$((2 * $(WORKERS))) $(ONE_BY_ONE) \
		$(if $(PART),,tests/contract tests/faults) $(call MARKED,wall) $(ARGS) $(NONE_IS_FINE)
	$(PYTEST) -m "not serial and not browser and not processes and not wall" \
		-n $$(($(WORKERS) + 1)) --dist loadfile $(ARGS) $(if $(PART),$(NONE_IS_FINE))

others: $(SECOND) oracles

# A client for tests whose packages must not meet ours; made anew when its lock changes.
$(SECOND): requirements-second-clients.lock | env
	@rm -rf .venv.second
	@$(PYTHON) -m venv .venv.second
	@.venv.second/bin/python -m pip install -q --disable-pip-version-check --require-hashes \
		--no-deps --only-binary=:all: -r $< && touch $@

# Other people's programs, for tests to compare with: what they pull in must not meet ours.
oracles: .venv.oracles/made

.venv.oracles/made: requirements-oracles.lock | env
	rm -rf .venv.oracles
	$(PYTHON) -m venv .venv.oracles
	.venv.oracles/bin/pip install -q --disable-pip-version-check --no-compile --no-deps \
		--require-hashes -r requirements-oracles.lock
	touch $@

bench: env
	$(PYTHON) -m benchmarks $(ARGS)

# Both need Debian 12's compiler: apt-get install rustc libstd-rust-dev-wasm32 lld
kernels: env
	$(PYTHON) tools/build_wasm.py

# Not part of `make test`: no other compiler gives the same bytes.
kernels-check: env
	$(PYTHON) tools/build_wasm.py --check
	$(PYTEST) tests/parity/check_native.py

docs: env
	$(PYTHON) -m pytest -q tests/test_docs.py

fmt: env
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

env:
	@TRADEWINDS_DEV=1 TRADEWINDS_ENV_ONLY=1 ./trading-cli

# `make lock` adds what pyproject.toml newly asks for; `make lock UPGRADE=--upgrade` takes newer versions.
COMPILE = .venv.uv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

lock:
	[ -x .venv.uv/bin/uv ] || { python3 -m venv .venv.uv && .venv.uv/bin/pip install -q uv; }
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group oracles -o requirements-oracles.lock
	$(COMPILE) --group second-clients -o requirements-second-clients.lock

# Leaves user_data alone: it holds the journal.
clean:
	rm -rf .venv .venv.* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

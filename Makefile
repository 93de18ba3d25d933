# `make` lists the targets. Everything they need is installed into .venv, exactly as locked.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Sphinx warns of a page only when it reads it: after a warning, read everything again.
SPHINX := $(BIN)/python -m sphinx -q -W -c . -d _build/doctrees -j auto
TESTS  ?= tests
# The plugin, for its options: the snippets, which bring it along, run before and apart.
SIDE_BY_SIDE := -n auto --dist loadfile --no-loadscope-reorder -p snippets._harness.plugin

.DEFAULT_GOAL := help
.PHONY: help html serve test check api browser figures screenshots bench-harness bench-search record lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

html: $(READY) ## verify what changed, then build the site into _build/html
	@$(BIN)/python -m snippets._harness verify $(ARGS)
	@$(SPHINX) docs _build/site || { rm -rf _build/doctrees; exit 1; }
	@$(BIN)/python docs/_ext/publish.py _build/site _build/html

serve: html ## the same, then serve it on port 8000 and rebuild on every save
	$(BIN)/sphinx-autobuild -c . -d _build/doctrees --watch snippets --watch conf.py \
	  --pre-build "$(BIN)/python -m snippets._harness verify" docs _build/site

test: $(READY) browser ## run all snippets and all tests (ARGS=--fresh runs recorded passes again)
	@status=0; for what in snippets "$(SIDE_BY_SIDE) $(TESTS)"; do \
	  $(BIN)/python -m pytest -q $$what $(ARGS) || \
	    { code=$$?; [ $$code = 5 ] || status=$$code; }; done; exit $$status  # 5: none selected

check: $(READY) ## lint, format, types and the catalogue, in seconds
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m snippets._harness check

api: $(READY) ## run the rows of the API table that have no evidence, and count what they cover
	@$(BIN)/python -m pytest -q -p no:randomly snippets/_api $(ARGS)
	@$(BIN)/python -m snippets._harness.api counts
	@$(BIN)/python -m snippets._harness.api coverage

record: $(READY) ## put on record what is new: pages, anchors, and how each claim stands
	@$(BIN)/python -m snippets._harness record

browser: $(READY)
	@command -v chromium-headless-shell > /dev/null || command -v chromium > /dev/null || \
	  command -v google-chrome > /dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    echo "installing chromium for the browser tests"; apt-get update -qq; \
	    apt-get install -y -qq --no-install-recommends chromium-headless-shell > /dev/null || \
	    apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	  else $(BIN)/playwright install chromium; fi

figures: $(READY) browser ## measure _build/html in a browser: each figure beside its bar
	@$(BIN)/python tests/figures.py _build/html $(ARGS)

screenshots: $(READY) browser ## take pictures of _build/html in both themes, at three widths
	@$(BIN)/python tests/screenshots.py $(ARGS)

bench-harness: $(READY) ## time the harness beside its peers, on 120 generated files
	@$(BIN)/python tests/bench/harness.py $(ARGS)

bench-search: $(READY) browser ## print how the site's search answers twenty questions
	@PYTHONPATH=tests $(BIN)/python tests/bench/search.py $(ARGS)

# Not $(READY), which would install by the old lock what the new pyproject.toml asks for.
lock: ## write .ci/constraints.txt anew from pyproject.toml, for every platform
	@test -x $(BIN)/uv || $(MAKE) $(READY)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-annotate --upgrade \
	  --custom-compile-command "make lock" --group all -o .ci/constraints.txt

clean: ## remove the environment, the evidence and the site
	rm -rf $(VENV) _build

# The lock constrains rather than lists: a CPU build of torch then leaves out the CUDA
# packages that another build needs, and both get exact versions.
$(READY): pyproject.toml .ci/constraints.txt .ci/node/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@echo "installing the locked packages into $(VENV) (a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check pip==26.3
	@$(BIN)/python -m pip install -q --progress-bar on --group all -c .ci/constraints.txt
	@mkdir -p $(VENV)/node && cp .ci/node/*.json $(VENV)/node/
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $(VENV)/node --ignore-scripts --silent --no-audit --no-fund
	@touch $@

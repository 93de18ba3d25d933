# `make` lists the targets. Everything they need is installed into .venv, exactly as locked.
# All paths are relative: make splits what has blanks, such as the path of a checkout.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TESTS  ?= tests
# The plugin, for its options: the snippets, which bring it along, run before and apart.
SIDE_BY_SIDE := -n auto --dist loadfile --no-loadscope-reorder -p snippets._harness.plugin --durations 20
# Tests wait, for browsers and for processes: with three for two cores, no core does.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3 / 2)
# Two at once would build into the same folders, or install into them: the second waits.
ALONE  := -m snippets._harness.alone

# Builds read and write UTF-8, and need no locale that this machine may lack.
export LC_ALL := C
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help new html site serve test check api browser figures screenshots bench bench-search speed record lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

new: $(READY) ## begin a claim (CLAIM=<axis>/<claim>)
	@$(BIN)/python -m snippets._harness new "$$CLAIM"

html: $(READY) ## verify what changed, then build the site into _build/html
	@$(BIN)/python $(ALONE) _build/html.lock $(MAKE) --no-print-directory site

site:
	@$(BIN)/python docs/_ext/publish.py verify $(ARGS)

# Its builds may be stopped in the middle, unseen by the next `make html`: that one reads all again.
serve: html ## the same, then serve it on port 8000 and rebuild on every save
	@rm -f _build/finished
	$(BIN)/sphinx-autobuild -D content_policy= -c . -d _build/doctrees --watch snippets --watch conf.py \
	  --pre-build "$(BIN)/python -m snippets._harness verify" docs _build/site

test: $(READY) browser ## run all snippets and all tests (ARGS=--fresh runs recorded passes again)
	@status=0; for what in snippets "$(SIDE_BY_SIDE) $(TESTS)"; do \
	  $(BIN)/python -m pytest -q $$what $(ARGS) || \
	    { code=$$?; [ $$code = 5 ] || status=$$code; }; done; exit $$status  # 5: none selected

check: $(READY) ## lint, format, types, catalogue (CLAIM=<axis>/<claim>: run and show that one)
ifneq ($(strip $(CLAIM)),)
	@$(BIN)/python docs/_ext/preview.py "$$CLAIM"
else
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m snippets._harness check
endif

api: $(READY) ## run the rows of the API table that have no evidence, and count what they cover
	@$(BIN)/python -m pytest -q -p no:randomly snippets/_api $(ARGS)
	@$(BIN)/python -m snippets._harness.api counts
	@$(BIN)/python -m snippets._harness.api coverage

speed: $(READY) ## measure both frameworks, as the performance page shows (ARGS="--only step")
	@$(BIN)/python -m snippets._speed $(ARGS)

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

bench: $(READY) browser ## measure our own machinery beside its targets (ARGS="--quick", or parts)
	@PYTHONPATH=tests:. $(BIN)/python -m bench $(ARGS)

bench-search: $(READY) browser ## print how the site's search answers twenty questions
	@PYTHONPATH=tests $(BIN)/python tests/bench/search.py $(ARGS)

# Not $(READY), which would install by the old lock what the new pyproject.toml asks for.
lock: ## write .ci/constraints.txt anew from pyproject.toml, for every platform
	@test -x $(BIN)/uv || $(MAKE) $(READY)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-annotate --upgrade \
	  --custom-compile-command "make lock" --group all -o .ci/constraints.txt

clean: ## remove the environment, the evidence and the site
	rm -rf $(VENV) _build

# What was cut short is not to be trusted: a venv without pip, or half of a package that pip takes
# for installed. CUT then stays behind, and the next make begins anew. Where pip or npm fails by
# itself nothing is half done, so that an environment outlives a day without a network.
CUT := $(VENV)/.installing

ifndef INSTALLING # This one waits, the one below looks again whether there is anything to do.
$(READY): pyproject.toml .ci/constraints.txt .ci/node/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) $(ALONE) _build/install.lock $(MAKE) -s INSTALLING=1 $(READY)
else
# The lock constrains rather than lists: a CPU build of torch then leaves out the CUDA
# packages that another build needs, and both get exact versions.
$(READY): pyproject.toml .ci/constraints.txt .ci/node/package-lock.json
	@test ! -e $(CUT) || { echo "the last time was cut short: all begins anew"; rm -rf $(VENV); }
	@echo "installing the locked packages into $(VENV) (a minute or two)"
	@mkdir -p $(VENV)/node && touch $(CUT)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@trap 'exit 1' INT TERM; \
	  $(BIN)/python -m pip install -q --disable-pip-version-check pip==26.3 && \
	  $(BIN)/python -m pip install -q --progress-bar on --group all -c .ci/constraints.txt && \
	  cp .ci/node/*.json $(VENV)/node/ && PATH="$$PWD/$(BIN):$$PATH" npm ci --prefix $(VENV)/node \
	    --ignore-scripts --silent --no-audit --no-fund || { rm -f $(CUT); exit 1; }
	@rm $(CUT) && touch $@
endif

# Everything a fresh machine needs: `make repro`. Works with GNU make 3.81 and later.
.DEFAULT_GOAL := help
.PHONY: help setup repro test test-fast test-long test-extras chaos lint docs verify results plots notebook compare experiments study preset release clean git commit

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONUTF8 := 1
PYTHON := .venv/bin/python
DVC := $(PYTHON) -m dvc
# a process per core, the pipeline's tests first: one of them does nothing else
PYTEST := $(PYTHON) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## make .venv and install everything into it, once

# By uv: the one on the PATH, which also fetches a Python if need be, or the pinned one by pip.
# requirements.in says what, requirements.txt in which versions: with TORCH=cpu, the CUDA libraries
# that it pins are not asked for. No wheels of all of it yet for Python 3.15.
.venv/.ready: requirements.in requirements.txt pyproject.toml
	@if [ -x $(PYTHON) ]; then :; \
	elif uv --version >/dev/null 2>&1; then \
	  uv venv --python '>=3.11,<3.15' .venv || exit 1; \
	else \
	  found=; for candidate in python3.12 python3.11 python3.13 python3.14 python3 python; do \
	    $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	      2>/dev/null && found=$$candidate && break; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "make: Python 3.11 to 3.14 is needed, and none is on the PATH: install one, or uv" >&2; \
	    exit 1; \
	  fi; \
	  echo "make: making .venv with $$found"; \
	  $$found -m venv .venv || { rm -rf .venv; \
	    echo "make: $$found cannot make .venv: install its venv module (Debian: python3-venv)" >&2; \
	    exit 1; }; \
	fi; \
	uv --version >/dev/null 2>&1 || { \
	  echo 'make: fetching uv, which installs the rest'; \
	  $(PYTHON) -m pip install -qq --disable-pip-version-check --no-deps \
	    --constraint requirements.txt uv || exit 1; }; \
	mkdir -p "$$(uv cache dir)" 2>/dev/null || export UV_CACHE_DIR=.venv/cache; \
	uv pip install --compile-bytecode --python $(PYTHON) $(if $(TORCH),--torch-backend $(TORCH)) \
	  --constraint requirements.txt --requirement requirements.in --editable . || { \
	  [ -z "$(TORCH)" ] || echo "make: TORCH=$(TORCH) is for who can reach PyTorch's own index:" \
	    "without it, torch comes from the ordinary one" >&2; \
	  exit 1; }
	@touch $@

repro: git setup ## run the pipeline: only what changed since the last time
	@$(PYTHON) tools/mend.py
	@$(PYTHON) stages/check.py  # `runtime` too, for which DVC runs nothing
	@$(PYTHON) tools/note_inputs.py
	started=$$(date +%s); $(DVC) repro && $(PYTHON) tools/seconds.py $$started

test: setup ## run the tests, in minutes, and say which take longest
	$(PYTEST) --durations=15 -m 'not long'

test-long: setup ## run those that kill, repeat or starve whole runs, or simulate many
	$(PYTEST) --durations=5 -m long

# what the extras bring no stage needs: it stands beside .venv, whose packages are seen from there
test-extras: .venv-extras/.ready ## run the tests of the demo, ONNX, S3 and trackers
	.venv-extras/bin/python -m pytest --durations=5 -m extra

.venv-extras/.ready: .venv/.ready requirements-extras.txt
	uv venv --quiet --clear --python $(PYTHON) .venv-extras
	@folder() { "$$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }; \
	echo "import site; site.addsitedir('$$(folder $(PYTHON))')" \
	  > "$$(folder .venv-extras/bin/python)/beside.pth"
	uv pip sync --quiet --compile-bytecode --python .venv-extras/bin/python requirements-extras.txt
	@touch $@

chaos: setup ## kill a small run 200 times, and see that nothing is lost
	SRGAN_AB_KILLS=200 $(PYTHON) -m pytest -s tests/pipeline/test_chaos.py

test-fast: setup ## run the tests that take a second at most
	$(PYTEST) --durations=5 -m 'not slow and not long'

lint: setup ## check style, types and the Dockerfile
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m basedpyright
	.venv/bin/hadolint Dockerfile

docs: .venv-docs/.ready ## build the site of README, docs and docstrings: site/
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --strict
	@echo "make: open site/index.html; its search wants a server: python -m http.server -d site"

.venv-docs/.ready: requirements-docs.txt
	@uv --version >/dev/null 2>&1 || $(MAKE) setup  # which brings one
	uv venv --quiet --clear --python '>=3.11,<3.15' .venv-docs
	uv pip sync --quiet --compile-bytecode --python .venv-docs/bin/python requirements-docs.txt
	@touch $@

verify: repro ## run the pipeline, and judge its outputs against the committed ones
	$(PYTHON) tools/verify.py

results: commit setup ## run every stage anew, and note what machine made the results, to commit
	@$(PYTHON) tools/mend.py
	@$(PYTHON) tools/note_inputs.py
	$(DVC) repro --force && $(PYTHON) tools/verify.py --record

plots: git setup ## draw the charts and print where the page is
	$(DVC) plots show

notebook: setup ## run notebooks/tour.ipynb again on what the pipeline made, in place
	$(PYTHON) tools/run_notebook.py notebooks/tour.ipynb

# What params.yaml asks for comes last, so that the workspace ends on it. Old experiments of these
# names go first: `dvc exp run --force` would replace them, but run every stage again. DVC writes
# params.yaml anew (null as nothing), so its text is put back.
compare: commit setup ## record A and B as experiments, for `dvc metrics diff a b`
	@kept=$$(mktemp) && cp params.yaml "$$kept" && trap 'cp "$$kept" params.yaml; rm "$$kept"' EXIT; \
	if grep -q '^  model: a' params.yaml; then order='b a'; else order='a b'; fi; \
	for model in $$order; do \
	  $(DVC) exp remove --quiet $$model 2>/dev/null; \
	  $(DVC) exp run --name $$model --set-param compare.model=$$model || exit 1; \
	done
	@echo "Now: dvc metrics diff a b; dvc plots diff a b"

experiments: commit setup ## show the experiments in one narrow table: A, B, B - A and SRGAN
	@$(PYTHON) tools/experiments.py

study: commit setup ## gather the experiments into one table and one figure, in study/
	@$(PYTHON) tools/study.py

preset: setup ## merge presets/NAME.yaml into params.yaml; SET="key=value ..." on top
	@$(PYTHON) tools/preset.py "$(NAME)" $(SET)

release: git setup ## pack models, cards and numbers of the run into release/srgan-ab.zip
	@$(PYTHON) tools/note_inputs.py
	@$(PYTHON) tools/release.py

clean: ## remove caches; data, models and the DVC cache stay
	rm -rf .pytest_cache .ruff_cache .hypothesis dvc_plots site
	find src stages tests tools -name __pycache__ -prune -exec rm -rf {} +

git:
	@git rev-parse --git-dir >/dev/null 2>&1 || { \
	  echo "make: DVC works in a git repository: run \`git init\` here first" >&2; exit 1; }

commit: git
	@git rev-parse --verify --quiet HEAD >/dev/null || { \
	  echo "make: experiments start from a commit: run \`git add . && git commit\` first" >&2; exit 1; }

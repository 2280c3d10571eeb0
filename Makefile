# What a person says to this course. `make` alone prints the list; .ci/environment.py makes .venv.
# Works with GNU make 3.81 (macOS) and newer. Say options after the target: make lab PORT=9999

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help lab train env kernel test test-browser notebooks grade bench gpu-test lock clean

# Options. `=`, not `?=`: some shells export HOST, and Jupyter must not listen there by surprise.
HOST = 127.0.0.1
PORT = 8888
MINUTES =
PRESET =
CORPUS =
RUN =
LESSONS =
DIR =
ARGS =
export HOST PORT MINUTES PRESET CORPUS RUN LESSONS DIR

# Else `make train minutes=20` would train for 5 without a word.
options := HOST PORT MINUTES PRESET CORPUS RUN LESSONS DIR ARGS PYTHON TORCH
unknown := $(foreach name,$(filter-out $(options) SHELL,$(.VARIABLES)),$(if $(filter command,$(origin $(name))),$(name)))
$(if $(strip $(unknown)),$(error There is no option $(strip $(unknown)). The options are $(options), in capitals))

# .venv is made with the first of these that is Python 3.11 or newer; PYTHON=... names another.
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14 python
IN_VENV := .venv/bin/python

# A shell line that leaves a suitable Python in $$python, or says that there is none.
find_python = for python in $(if $(PYTHON),"$(PYTHON)",$(PYTHONS)); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'No Python 3.11 or newer answers to: $(or $(PYTHON),$(PYTHONS)).' >&2; \
		echo 'Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), or name it: make $(or $(MAKECMDGOALS),lab) PYTHON=/path/to/python3' >&2; \
		exit 1; \
	fi

# In a checkout that was moved, or whose Python went away, .venv has to be made anew.
ifneq ($(shell $(IN_VENV) -c 'import os; print(open(".venv/.ready").read() == os.getcwd())' 2>/dev/null),True)
.PHONY: .venv/.ready .venv/.ready-test
endif

help: ## this list
	@echo 'make TARGET [OPTION=value ...]'; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r target words; do \
		printf '  make %-12s %s\n' "$$target" "$$words"; done

lab: .venv/.ready ## open the course in JupyterLab [HOST=127.0.0.1 PORT=8888]
	@mkdir -p lessons
	@options=(); \
	if [ "$$(id -u)" = 0 ]; then options+=(--allow-root); fi; \
	if [ -n "$$CI$$SSH_CONNECTION$$SSH_TTY" ] || \
		[ "$$(uname)" != Darwin -a -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then options+=(--no-browser); fi; \
	if [ ! -e "$${SLM_HOME:-work}/progress.json" ]; then \
		options+=(--LabApp.default_url=/lab/tree/lessons/00_first_story.ipynb); fi; \
	exec $(IN_VENV) -m jupyterlab --ServerApp.ip="$$HOST" --ServerApp.port="$$PORT" \
		--ServerApp.root_dir="$$PWD" --FileContentsManager.preferred_dir=lessons "$${options[@]}"

train: .venv/.ready ## train a story model on this machine [MINUTES=5 PRESET= CORPUS= RUN= ARGS=]
	@exec $(IN_VENV) -m slmlib train $${MINUTES:+--minutes "$$MINUTES"} $${PRESET:+--preset "$$PRESET"} \
		$${CORPUS:+--corpus "$$CORPUS"} $${RUN:+--run "$$RUN"} $(ARGS)

env: .venv/.ready ## only make the environment, .venv [PYTHON=python3.12]
	@echo 'The environment is ready: source .venv/bin/activate'

kernel: PYTHON ?= python3
kernel: ## install the course into the Python of a pod whose JupyterLab already runs [PYTHON=python3]
	@$(find_python); exec "$$python" .ci/environment.py kernel

# One test process a core, each on one thread. A file stays in one process, where its fixtures are; tests/conftest.py
# lets some tests go anywhere.
side_by_side := -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

test: .venv/.ready-test ## lint, types, tests and notebooks, on the CPU
	@$(IN_VENV) -m ruff check .
	@$(IN_VENV) -m ruff format --check .
	@$(IN_VENV) -m mypy
	@$(IN_VENV) -m pytest $(side_by_side) --ignore=tests/checks --ignore=tests/browser
	@$(IN_VENV) -m pytest $(side_by_side) tests/checks
	@if compgen -G 'solutions/*.ipynb' >/dev/null; then \
		OMP_NUM_THREADS=1 SLM_FAST=1 SLM_CHECKS=strict $(IN_VENV) -m pytest $(side_by_side) --nbval-lax --nbval-current-env \
			--nbval-cell-timeout=120 --nbval-kernel-startup-timeout=60 solutions/; fi

test-browser: .venv/.ready-test ## the course in JupyterLab, through a real Chromium where there is one [LESSONS=all]
	@exec $(IN_VENV) -m pytest -rs tests/browser

notebooks: .venv/.ready ## lessons and executed solutions, rebuilt where their source changed [ARGS=02]
	@exec $(IN_VENV) -m checks build $(ARGS)

grade: .venv/.ready ## grade a folder of students' notebooks, or zips of them [DIR=submissions ARGS=--resume]
	@[ -n "$$DIR" ] || { echo 'Name the folder: make grade DIR=submissions' >&2; exit 1; }
	@exec $(IN_VENV) -m checks grade "$$DIR" $(ARGS)

bench: .venv/.ready-test ## our speed beside other libraries', see benchmarks/README.md [ARGS="--only generation"]
	@exec $(IN_VENV) -m benchmarks.peers $(ARGS)

gpu-test: .venv/.ready-test ## the tests that need a CUDA GPU
	@$(IN_VENV) -m pytest -m cuda

lock: ## pin the newest libraries that work together in requirements.lock [TORCH=2.13.0]
	@$(find_python); TORCH='$(TORCH)' exec "$$python" .ci/environment.py lock

clean: ## remove .venv and caches; what you trained, in work/, stays
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage build dist ./*.egg-info
	@find slmlib checks tests solutions lessons benchmarks .ci \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} + 2>/dev/null || true

.venv/.ready: pyproject.toml requirements.lock
	@$(find_python); exec "$$python" .ci/environment.py install

.venv/.ready-test: pyproject.toml requirements.lock
	@$(find_python); exec "$$python" .ci/environment.py install test

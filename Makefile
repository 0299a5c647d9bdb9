# CardioCare's commands. Each needs Python 3.11 and the network the first time, nothing else.
#
#   make run                     serve on http://localhost:8000 (PORT=8001 for another) with demo people and cases
#   make demo ARGS=--json        analyse the demo cases, print the results, end; DATA=folder with mitdb/ adds a comparison
#   make test ARGS="-k name"     every check and test; ARGS go to pytest
#   make bench | lint            speed figures | the checks that need no server
#   make train ARGS=beat-cnn DATA=folder    train a model from the recordings in the folder
#   make manage ARGS="..."       any Django command, e.g. ARGS="create_api_key --user NAME"
#   make clean                   remove .venv and caches; make clean-data also removes databases and uploads

.DEFAULT_GOAL := help
.PHONY: help setup run demo test bench lint train manage clean clean-data

ARGS ?=
DATA ?=
PYTHON := $(shell for python in python3.11 python3 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
DEPLOY = exec .venv/bin/python -m deploy

help:
	@sed -n '3,9s/^#   //p' Makefile

setup:
	@test -n "$(PYTHON)" || { echo "CardioCare needs Python 3.11, and neither python3.11 nor python3 is that. \
	Install Python 3.11, then run make again." >&2; exit 1; }
	@$(PYTHON) deploy/bootstrap.py

run: setup
	@$(DEPLOY) run $(ARGS)

demo: setup
	@$(DEPLOY) demo $(ARGS) $(if $(DATA),--data "$(DATA)")

test: setup
	@$(DEPLOY) test $(ARGS)

bench: setup
	@$(DEPLOY) bench $(ARGS)

lint: setup
	@$(DEPLOY) lint

train: setup
	@exec .venv/bin/python -m ml train $(ARGS) $(if $(DATA),--data "$(DATA)")

manage: setup
	@$(DEPLOY) manage $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

clean-data:
	@test ! -e .local/users.lock || $(PYTHON) -c 'import fcntl; fcntl.flock(open(".local/users.lock"), 6)' 2>/dev/null \
	|| { echo "CardioCare is running. Stop it first, then run make clean-data again." >&2; exit 1; }
	rm -rf .local

# One door for people, hooks and CI. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
export PYTHONDONTWRITEBYTECODE = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: pictures help setup setup-dev demo demo-reset run test test-faults prove check audit-deps fix bench lock

help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/run.stamp ## Virtual environment with what the app needs at run time

setup-dev: .venv/dev.stamp ## The same, with what checks and tests need

.venv/run.stamp: requirements/run.txt
	@scripts/setup.sh run

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	@scripts/setup.sh dev

demo: setup ## A running demo with its own made-up customers, until Ctrl-C (PORT=… moves it)
	@$(PY) scripts/demo.py

demo-reset: setup ## Throw the demo's data away and start over
	@$(PY) scripts/demo.py --reset

run: setup ## Your own installation: migrate, then database, web and workers until Ctrl-C
	@$(PY) manage.py migrate -v 1 && $(PY) manage.py collectstatic --noinput -v 0 && exec $(PY) manage.py serve

check: setup-dev ## ruff, mypy, import-linter, djLint, migrations, deployment settings
	@scripts/check.sh

test: setup-dev ## make check, then the whole suite with the browser tests
	@scripts/check.sh
	@scripts/browser.sh
	@scripts/pytest.sh

test-faults: setup-dev ## Real processes killed, cut off and starved on a server of their own (30 minutes at most)
	@scripts/faults.sh

prove: setup-dev ## Faults and bad input ten times in a row; the record goes to docs/proof.md
	@scripts/prove.sh

audit-deps: setup-dev ## Known vulnerabilities in the locked packages (asks a service on the network)
	@.venv/bin/pip-audit --require-hashes --disable-pip -r requirements/run.txt

fix: setup-dev ## Let ruff and djLint mend what they can
	@.venv/bin/ruff check --fix --exit-zero . && .venv/bin/ruff format .
	@.venv/bin/djlint --reformat --quiet templates || true

bench: setup-dev ## Ratios against named baselines, in one table (BENCH=--full for the sizes of docs/performance.md)
	@$(PY) -m scripts.bench $(BENCH)

lock: ## Lock requirements/*.in with hashes, without index lines
	@scripts/lock.sh

pictures: setup-dev ## Take the tour's pictures from a demo that runs on PORT (default 8000)
	@$(PY) -m tests.browser.pictures http://127.0.0.1:$(or $(PORT),8000) docs/pictures

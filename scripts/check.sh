#!/usr/bin/env bash
# Everything that can be checked without running a test. Each line says what it is.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
step() { printf '\n== %s\n' "$1" >&2; shift; "$@"; }

step 'ruff' $bin/ruff check .
step 'ruff format' $bin/ruff format --check .
step 'djLint' $bin/djlint --lint --quiet templates
step 'bandit' $bin/bandit -q -c pyproject.toml -r accounts approvals audit config integrations jobs playbooks scim scoring signin tenants scripts
step 'import-linter' $bin/lint-imports
step 'mypy' $bin/mypy config tenants scim signin jobs audit accounts approvals integrations scoring playbooks scripts
step 'makemigrations --check' $bin/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
step 'migrations stop no page' $bin/python -W ignore::RuntimeWarning scripts/check_migrations.py
# with production's variables: --fail-level, or the check could not fail
step 'check --deploy' env HOLDFAST_BIND=0.0.0.0 HOLDFAST_PUBLIC_URL=https://holdfast.example HOLDFAST_HOSTS=holdfast.example \
  HOLDFAST_SECRET_KEY="$($bin/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
  DATABASE_URL=postgresql://app:x@127.0.0.1:1/holdfast \
  $bin/python manage.py check --deploy --fail-level WARNING

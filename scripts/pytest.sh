#!/usr/bin/env bash
# The whole suite as the app role: database tests on two workers, then the tests that start real processes one by one.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/pytest -n "${PYTEST_WORKERS:-2}" --dist loadgroup -m 'not browser and not processes' "$@"
.venv/bin/pytest -m 'browser or processes' "$@"

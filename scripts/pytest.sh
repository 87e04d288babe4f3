#!/usr/bin/env bash
# The whole suite as the app role: database tests on two workers, then the tests that start real processes one by one.
# Each browser suite has a process of its own: Playwright's event loop stays in it, and Django refuses to be asked there.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/pytest -n "${PYTEST_WORKERS:-2}" --dist loadgroup -m 'not browser and not processes and not faults' "$@"
.venv/bin/pytest -m 'processes and not browser and not faults' "$@"
.venv/bin/pytest -m browser tests/ui "$@"
.venv/bin/pytest -m browser tests/browser "$@"

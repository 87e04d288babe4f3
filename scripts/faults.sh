#!/usr/bin/env bash
# The faults, one by one: each test starts its own processes on an embedded server of its own, and kills them.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/pytest -m faults tests/faults --durations=15 "$@"

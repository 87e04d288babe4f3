#!/usr/bin/env bash
# Makes .venv and installs the locked requirements. Called by make; $1 is run or dev.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?run or dev}
say() { printf 'setup: %s\n' "$1" >&2; }
fail() { printf 'setup: %s\n       %s\n' "$1" "$2" >&2; exit 1; }

python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3.11 python3 python; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      python=$candidate; break
    fi
  done
fi
[ -n "$python" ] || fail "Python 3.11 was not found." "Install it, or name it: make $what PYTHON=/path/to/python3.11"

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
  say "making the virtual environment .venv"
  rm -rf .venv
  "$python" -m venv .venv || fail "The virtual environment could not be made." \
    "On Debian and Ubuntu install python3.11-venv, then run the same command again."
fi
say "installing the locked packages ($what)"
.venv/bin/python -m pip install --quiet --require-hashes -r "requirements/$what.txt" || fail \
  "The packages could not be installed." \
  "Read pip's message above. Without a network, set PIP_FIND_LINKS to a folder of wheels; then run the same command again."
touch ".venv/$what.stamp"

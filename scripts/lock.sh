#!/usr/bin/env bash
# Locks requirements/*.in in an environment of its own, so that the lock does not depend on what is installed here.
set -euo pipefail
cd "$(dirname "$0")/../requirements"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3.11 -m venv "$tools" 2>/dev/null || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet pip-tools==7.6.2
export CUSTOM_COMPILE_COMMAND='make lock'
for name in run dev; do
  "$tools/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
    --no-emit-find-links --no-emit-trusted-host --no-emit-options -o "$name.txt" "$name.in"
done

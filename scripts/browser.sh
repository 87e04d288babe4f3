#!/usr/bin/env bash
# Browser tests may not skip: find Chromium on PATH, else install it by apt as root, else take Playwright's own.
set -euo pipefail
cd "$(dirname "$0")/.."
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'browser: installing Chromium by apt' >&2
  apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >&2 && exit 0
fi
echo "browser: taking Playwright's own Chromium" >&2
.venv/bin/python -m playwright install chromium >&2 || {
  echo 'browser: no Chromium. Install the package chromium, then run make test again.' >&2
  exit 1
}

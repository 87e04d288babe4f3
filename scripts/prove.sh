#!/usr/bin/env bash
# The faults and the bad input, N times in a row (default 10: `scripts/prove.sh 3` for three). Stops at the first failure
# and keeps its log. docs/proof.md is written from what was run here and nothing else, after each run.
set -uo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-10}
export HOLDFAST_PROVE=1  # more examples of each property, and other ones each time
logs=${HOLDFAST_VAR:-var}/proof
record=docs/proof.md
input_var=${HOLDFAST_TEST_VAR:-$PWD/var/test}-input
mkdir -p "$logs"
rm -f "$logs"/run-*.log
rows=()

machine() {
  local cores memory
  cores=$(getconf _NPROCESSORS_ONLN)
  memory=$(awk '/^MemTotal/ {printf "%.0f GB", $2 / 1024 / 1024}' /proc/meminfo 2>/dev/null || echo 'memory unknown')
  echo "$cores cores, $memory, $(uname -s) $(uname -m), $(.venv/bin/python --version)"
}

commit() {
  local changed=''
  [ -z "$(git status --porcelain -- . ":!$record")" ] || changed=' with uncommitted changes'
  echo "$(git rev-parse --short HEAD)$changed"
}

# passed, failed and skipped of one log; a run that ended without a summary counts as a failure
counts() {
  local line passed failed errors skipped
  line=$(grep -E '^[0-9]+ (passed|failed|error|skipped|deselected).* in [0-9.]+s' "$1" | tail -1)
  passed=$(grep -oE '[0-9]+ passed' <<<"$line" | cut -d' ' -f1)
  failed=$(grep -oE '[0-9]+ failed' <<<"$line" | cut -d' ' -f1)
  errors=$(grep -oE '[0-9]+ error' <<<"$line" | cut -d' ' -f1)
  skipped=$(grep -oE '[0-9]+ skipped' <<<"$line" | cut -d' ' -f1)
  [ -n "$line" ] || errors=1
  echo "${passed:-0} | $((${failed:-0} + ${errors:-0})) | ${skipped:-0}"
}

# what was skipped in any run, with its reason: a fault that was not tried is not proven
not_run() {
  local reasons
  reasons=$(grep -hE '^SKIPPED ' "$logs"/run-*.log 2>/dev/null | sed -E 's/^SKIPPED \[[0-9]+\] /- not tried: /' | sort -u)
  echo "${reasons:-Nothing was skipped.}"
}

# one suite into one log; its seconds go to LOG.seconds
suite() {
  local log=$1 began=$SECONDS code
  shift
  "$@" >"$log" 2>&1
  code=$?
  echo $((SECONDS - began)) >"$log.seconds"
  return $code
}

write() {
  {
    echo '# Proof'
    echo
    echo "Every fault and every bad input, over and over, on one machine: \`make prove\` writes this page from its own runs."
    echo
    echo "- $(date -u '+%Y-%m-%d %H:%M') UTC, started at $began_at"
    echo "- $on_machine; load $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null)"
    echo "- commit $of_commit"
    echo "- **$1 of $wanted runs in a row without a failure**"
    echo
    echo '| run | faults: seconds | passed | failed | skipped | bad input: seconds | passed | failed | skipped |'
    echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- |'
    printf '%s\n' "${rows[@]}"
    echo
    not_run
  } >"$record"
}

on_machine=$(machine)
of_commit=$(commit)
began_at=$(date -u '+%H:%M')
for ((run = 1; run <= wanted; run++)); do
  failed=''
  # side by side: the faults mostly wait, bad input mostly computes, and each has a server of its own
  suite "$logs/run-$run-faults.log" scripts/faults.sh -rs &
  faults=$!
  suite "$logs/run-$run-input.log" env "HOLDFAST_TEST_VAR=$input_var" .venv/bin/pytest -m bad_input tests/bad_input --durations=5 -rs &
  input=$!
  wait "$faults" || failed="$logs/run-$run-faults.log"
  wait "$input" || failed="${failed:-$logs/run-$run-input.log}"
  row="| $run | $(cat "$logs/run-$run-faults.log.seconds") | $(counts "$logs/run-$run-faults.log")"
  row+=" | $(cat "$logs/run-$run-input.log.seconds") | $(counts "$logs/run-$run-input.log") |"
  rows+=("$row")
  echo "of $wanted: run, seconds, passed, failed, skipped of faults, then of bad input $row" >&2
  if [ -n "$failed" ]; then
    write $((run - 1))
    echo "prove: run $run failed; its log is $failed" >&2
    exit 1
  fi
  write "$run"
done

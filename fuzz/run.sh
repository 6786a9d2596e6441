#!/usr/bin/env bash
# Runs every fuzz target for N seconds (default 60) and prints the edges that each covered. Stops at the first crash.
. "$(dirname "$0")/../cmake/setup/lib.sh"
cd "$(dirname "$0")/.."
seconds=${1:-60}
cmake --preset fuzz >/dev/null
ninja -C build/fuzz -j"$STRATA_JOBS" fuzzers
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/cmake/sanitizers/lsan.supp:print_suppressions=0
for target in build/fuzz/fuzz/*_fuzz; do
  name=$(basename "$target" _fuzz)
  mkdir -p "build/fuzz/corpus/$name" "build/fuzz/crashes"
  log="build/fuzz/$name.log"
  if ! "$target" -max_total_time="$seconds" -rss_limit_mb=3000 -timeout=20 -artifact_prefix="build/fuzz/crashes/$name-" \
    "build/fuzz/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "$name crashed; the input is in build/fuzz/crashes"
  fi
  printf '%-32s edges %6s  inputs run %9s\n' "$name" "$(grep -oE 'cov: [0-9]+' "$log" | tail -n1 | cut -d' ' -f2)" \
    "$(grep -oE '^#[0-9]+' "$log" | tail -n1 | tr -d '#')"
done

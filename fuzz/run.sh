#!/usr/bin/env bash
# Runs every fuzz target for N seconds (default 60), as many at once as there are jobs, and prints the edges that each
# covered. A crash, leak or time-out fails it; the input is kept.
#
#   bash fuzz/run.sh [SECONDS] [NAME]   NAME: a regular expression; only targets whose name matches
. "$(dirname "$0")/../cmake/setup/lib.sh"
cd "$(dirname "$0")/.."
seconds=${1:-60} only=${2:-.}
cmake --preset fuzz >/dev/null
ninja -C build/fuzz -j"$STRATA_JOBS" fuzzers
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/cmake/sanitizers/lsan.supp:print_suppressions=0

run_one() { # NAME SECONDS
  local name=$1 log="build/fuzz/$1.log"
  mkdir -p "build/fuzz/corpus/$name" build/fuzz/crashes
  if ! "build/fuzz/fuzz/${name}_fuzz" -max_total_time="$2" -rss_limit_mb=3000 -timeout=20 \
    -artifact_prefix="build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "error: $name failed; the input is in build/fuzz/crashes, the output in $log" >&2
    return 1
  fi
  printf '%-24s edges %6s  inputs run %9s\n' "$name" "$(grep -oE 'cov: [0-9]+' "$log" | tail -n1 | cut -d' ' -f2)" \
    "$(grep -oE '^#[0-9]+' "$log" | tail -n1 | tr -d '#')"
}
export -f run_one

names=$(ls fuzz/*/*_fuzz.cc | sed -E 's|.*/(.*)_fuzz\.cc|\1|' | grep -E "$only") || die "no target matches $only"
xargs -P "$STRATA_JOBS" -I{} bash -c "run_one {} $seconds" <<<"$names" || die "some targets failed"

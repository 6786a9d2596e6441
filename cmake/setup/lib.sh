# Functions that ./run, ./test and the setup scripts share. Source it; it sets the shell options too.
set -euo pipefail

# Where downloads and third-party builds live, outside the build tree, so that a clean checkout does not repeat them.
STRATA_DEPS="${STRATA_DEPS:-${XDG_CACHE_HOME:-$HOME/.cache}/strata/deps}"
STRATA_JOBS="${STRATA_JOBS:-$(nproc)}"
export STRATA_DEPS STRATA_JOBS

if [ -t 1 ]; then BOLD=$'\e[1m'; DIM=$'\e[2m'; OFF=$'\e[0m'; else BOLD= DIM= OFF=; fi

say() { printf '%s==>%s %s\n' "$BOLD" "$OFF" "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# step NAME CMD…: runs CMD with its output in a log file, a dot every few seconds, and shows the tail of the log on failure.
step() {
  local name=$1 log start pid rc=0
  shift
  mkdir -p "$STRATA_DEPS/log"
  log="$STRATA_DEPS/log/$(printf '%s' "$name" | tr -c 'A-Za-z0-9' '-').log"
  start=$SECONDS
  printf '%s==>%s %s ' "$BOLD" "$OFF" "$name"
  "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    [ $(((SECONDS - start) % 5)) -ne 0 ] || printf '.'
  done
  wait "$pid" || rc=$?
  if [ "$rc" -ne 0 ]; then
    printf ' failed (exit %s)\n' "$rc"
    tail -n 40 "$log" >&2
    die "$name failed; the whole log is $log"
  fi
  printf ' %sdone in %s s%s\n' "$DIM" "$((SECONDS - start))" "$OFF"
}

# check_sha256 FILE HASH: stops when FILE is not the pinned one.
check_sha256() {
  local have
  have=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$have" = "$2" ] || die "$1 has SHA-256 $have, but $2 is pinned; it is not used"
}

# fetch_python NAME==VERSION SHA256 FILE [pip option…]: downloads one pinned package file into $STRATA_DEPS/download.
fetch_python() {
  local spec=$1 hash=$2 file=$3
  shift 3
  mkdir -p "$STRATA_DEPS/download"
  if [ ! -f "$STRATA_DEPS/download/$file" ]; then
    python3 -m pip download -q --disable-pip-version-check --no-deps -d "$STRATA_DEPS/download" "$@" "$spec"
  fi
  check_sha256 "$STRATA_DEPS/download/$file" "$hash"
}

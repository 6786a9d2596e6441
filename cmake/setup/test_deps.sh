#!/usr/bin/env bash
# Installs what only the tests need: the public SDKs in a virtual environment, Chromium and playwright-core. All pinned.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

make_venv() {
  rm -rf "$STRATA_DEPS/clients"
  python3 -m venv "$STRATA_DEPS/clients"
  "$STRATA_DEPS/clients/bin/pip" install -q --disable-pip-version-check -r "$here/clients.txt"
  sha256sum <"$here/clients.txt" >"$STRATA_DEPS/clients/stamp"
}

# Only what is missing: a Node.js from elsewhere brings npm of its own and conflicts with Debian's package of that name.
install_browser() {
  local packages=(fonts-dejavu-core)
  command -v chromium >/dev/null || packages+=(chromium)
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
}

install_node_packages() {
  rm -rf "$STRATA_DEPS/node"
  mkdir -p "$STRATA_DEPS/node"
  cp "$here/node/package.json" "$here/node/package-lock.json" "$STRATA_DEPS/node/"
  (cd "$STRATA_DEPS/node" && npm ci --silent --no-audit --no-fund --ignore-scripts)
  cat "$here/node/package-lock.json" | sha256sum >"$STRATA_DEPS/node/stamp"
}

[ "$(sha256sum <"$here/clients.txt")" = "$(cat "$STRATA_DEPS/clients/stamp" 2>/dev/null)" ] ||
  step "SDKs for the client tests (openai, anthropic, boto3, google-genai, litellm)" make_venv
if ! command -v chromium >/dev/null || ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  step "Chromium and Node.js for the page tests" install_browser
fi
[ "$(sha256sum <"$here/node/package-lock.json")" = "$(cat "$STRATA_DEPS/node/stamp" 2>/dev/null)" ] ||
  step "playwright-core and AWS's JavaScript SDK" install_node_packages

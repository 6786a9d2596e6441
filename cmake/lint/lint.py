#!/usr/bin/env python3
"""The lint of ./test: module order, header comments, function and file sizes, orphan files, formatting, clang-tidy.

Prints one line a finding (`path:line: rule: what`) and exits 1 when there is any. A finding is excepted by a line in
cmake/lint/exceptions.txt: `rule path[:function]  # reason`. Run with --tidy BUILD_DIR to add clang-tidy on changed files.
"""
import argparse
import os
import re
import subprocess
import sys

MODULES = "base domain text learn vector net store observe dialect provider guard route gateway knowledge flow job server".split()
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
SOURCE = (".h", ".cc")


def tracked(*patterns):
    # Files that git tracks and new ones that it does not ignore, as long as they exist.
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], capture_output=True, text=True, check=True).stdout
    return sorted({f for f in out.splitlines() if os.path.isfile(f)})


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def load_exceptions():
    found = {}
    path = os.path.join(os.path.dirname(__file__), "exceptions.txt")
    for line in read(path).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        rule_and_place, _, reason = line.partition("#")
        if not reason.strip():
            sys.exit(f"{path}: an exception needs a reason: {line}")
        found[tuple(rule_and_place.split())] = False
    return found


class Lint:
    def __init__(self):
        self.findings = []
        self.exceptions = load_exceptions()

    def add(self, rule, path, line, what, place=None):
        key = (rule, place or path)
        if key in self.exceptions:
            self.exceptions[key] = True
            return
        self.findings.append(f"{path}:{line}: {rule}: {what}")


def module_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_includes(lint, path, text):
    own = module_of(path)
    if own not in MODULES:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "([a-z_]+)/([^"]+)"', line)
        if not match or match[1] not in MODULES:
            continue
        other = match[1]
        if MODULES.index(other) > MODULES.index(own):
            lint.add("module-order", path, number, f"{own} may not include {other}/{match[2]}: {other} stands above it")
        if other != own and "/" in match[2]:
            lint.add("inner-header", path, number, f"{other}/{match[2]} is in a sub-folder: use the headers at the top of {other}/")


def check_header(lint, path, text):
    if not path.endswith(".h"):
        return
    lines = text.splitlines()
    if not lines or lines[0] != "#pragma once":
        lint.add("header-comment", path, 1, "the first line must be #pragma once")
    elif len(lines) < 2 or not lines[1].startswith("// "):
        lint.add("header-comment", path, 2, "a comment that says what the header is for must follow #pragma once")


def strip_code(text):
    """Comments and literals blanked out, newlines kept, so that braces can be counted."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def check_functions(lint, path, text):
    """A function is a brace block whose head ends in ')' or a trailer, inside namespaces and classes only."""
    code = strip_code(text)
    stack = []  # (is_scope, line, head)
    line, head_start = 1, 0
    for i, c in enumerate(code):
        if c == "\n":
            line += 1
        elif c in ";}":
            if c == "}" and stack:
                is_scope, first, head = stack.pop()
                if not is_scope and all(s for s, _, _ in stack):
                    length = line - first + 1
                    if length > FUNCTION_LINES_MAX:
                        name = re.findall(r"([~\w]+)\s*\(", head)
                        shown = name[0] if name else "block"
                        lint.add("function-size", path, first, f"{shown} has {length} lines, {FUNCTION_LINES_MAX} is the limit",
                                 f"{path}:{shown}")
            head_start = i + 1
        elif c == "{":
            head = code[head_start:i]
            head = re.sub(r"^\s*#.*$", "", head, flags=re.M)
            is_scope = bool(SCOPE.search(head)) and "(" not in re.sub(r"\b(alignas|__attribute__)\s*\(.*?\)", "", head)
            stack.append((is_scope, line, head))
            head_start = i + 1


def check_size(lint, path, text):
    count = text.count("\n")
    if count > FILE_LINES_MAX:
        lint.add("file-size", path, 1, f"{count} lines, {FILE_LINES_MAX} is the limit")


def check_orphans(lint, sources):
    """Every header is included by another file; every .cc lies below a folder that CMake globs."""
    included = set()
    for path in sources:
        included.update(m for m in re.findall(r'#include "([^"]+)"', read(path)) if m != path.removeprefix("src/"))
    for path in sources:
        name = path.removeprefix("src/")
        if path.endswith(".h") and name not in included and os.path.basename(path) not in included:
            lint.add("orphan", path, 1, "no other file includes this header")


def check_readmes(lint, sources):
    for module in {module_of(p) for p in sources} - {None}:
        readme = f"src/{module}/README.md"
        if not os.path.exists(readme):
            lint.add("module-readme", readme, 1, "each module has a README.md")
        elif read(readme).count("\n") > 60:
            lint.add("module-readme", readme, 1, "a module's README has at most 60 lines")


def check_format(lint, sources):
    for i in range(0, len(sources), 100):
        out = subprocess.run(["clang-format-19", "--dry-run", *sources[i:i + 100]], capture_output=True, text=True).stderr
        seen = set()
        for match in re.finditer(r"^(\S+?):(\d+):\d+: .*clang-format", out, re.M):
            if match[1] not in seen:
                seen.add(match[1])
                lint.add("format", match[1], match[2], "not formatted: make fmt")


def changed_sources(sources):
    """Files that differ from the commit given by STRATA_LINT_BASE, or from the one before HEAD."""
    base = os.environ.get("STRATA_LINT_BASE", "HEAD~1")
    out = subprocess.run(["git", "diff", "--name-only", base], capture_output=True, text=True)
    changed = set(out.stdout.split()) if out.returncode == 0 else set()
    return [s for s in sources if s in changed and s.endswith(".cc")]


def check_tidy(lint, sources, build, files_max=40):
    files = changed_sources(sources)
    if len(files) > files_max:
        print(f"clang-tidy: {len(files)} changed files, the first {files_max} are checked (make tidy checks all)")
        files = files[:files_max]
    if not files:
        return
    jobs = os.cpu_count() or 2
    out = subprocess.run(["xargs", "-P", str(jobs), "-n", "1", "clang-tidy-19", "-p", build, "--quiet"], input="\n".join(files),
                         capture_output=True, text=True).stdout
    for match in sorted(set(re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$", out, re.M))):
        path = os.path.relpath(match[0])
        if not path.startswith(".."):  # what the analyzer supposes of a library's headers is not ours to mend
            lint.add("tidy", path, match[1], match[2])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tidy", metavar="BUILD_DIR")
    args = parser.parse_args()
    lint = Lint()
    sources = [f for f in tracked("src", "tests", "fuzz", "bench") if f.endswith(SOURCE)]
    for path in sources:
        text = read(path)
        generated = text.startswith("// Generated")
        check_includes(lint, path, text)
        check_header(lint, path, text)
        if not generated:
            check_size(lint, path, text)
            check_functions(lint, path, text)
    check_orphans(lint, sources)
    check_readmes(lint, sources)
    check_format(lint, sources)
    if args.tidy:
        check_tidy(lint, sources, args.tidy)
    for key, used in lint.exceptions.items():
        if not used:
            lint.findings.append(f"cmake/lint/exceptions.txt:1: unused: {' '.join(key)}")
    print("\n".join(lint.findings) if lint.findings else f"lint: {len(sources)} files, nothing found")
    return 1 if lint.findings else 0


if __name__ == "__main__":
    sys.exit(main())

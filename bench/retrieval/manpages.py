#!/usr/bin/env python3
"""Makes a judged retrieval set of manual pages in one language: the line that says what a page is about asks for the rest of it.

    manpages.py OUT LANGUAGE [PAGES]

LANGUAGE is de, en, es, fr or ja. The pages come from Debian's packages of translated manual pages (GPL, BSD and other free licences,
stated in each package), which apt-get downloads into a temporary folder; nothing is installed. Writes OUT/corpus.jsonl,
OUT/queries.jsonl and OUT/qrels.tsv as `strata kb import` and `strata kb eval` take them: a document is a page without its NAME
section, a question is the description that stood there. PAGES (500) are spread evenly over the sorted list of all that qualify.
The same packages give the same files.
"""
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PACKAGES = {"en": ["manpages", "manpages-dev"], "es": ["manpages-es", "manpages-es-dev"], "de": ["manpages-de", "manpages-de-dev"],
            "fr": ["manpages-fr", "manpages-fr-dev"], "ja": ["manpages-ja", "manpages-ja-dev"]}
CHARACTERS = range(600, 20_001)  # of a page
# Translators leave some of these lines in English; they would ask in the wrong language.
ENGLISH = re.compile(r"\b(the|of|and|for|with|from|to|a|an|in|or)\b")
SPECIAL = {"aq": "'", "dq": '"', "bu": "•", "em": "–", "en": "–", "co": "©", "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "ti": "~",
           "ha": "^", "rs": "\\", "->": "→", "<-": "←", "mu": "×", "+-": "±", "Fo": "«", "Fc": "»", "pc": "·", "ga": "`", "at": "@"}
ESCAPES = re.compile(r"\\(?:f(?:\[[^]]*\]|\(..|.)|s[+-]?\d+|\*(?:\[[^]]*\]|\(..|.)|\((?P<two>..)|\[(?P<name>[^]]*)\]|(?P<one>.))")


def plain(line):
    def replace(match):
        name = match["two"] or match["name"]
        if name is not None:
            if re.fullmatch(r"u[0-9A-F]{4,6}", name):
                return chr(int(name[1:], 16))
            return SPECIAL.get(name, "")
        return {"-": "-", "e": "\\", "~": " ", " ": " ", "'": "´", "`": "`", "0": " "}.get(match["one"] or "", "")
    return ESCAPES.sub(replace, line)


def arguments(rest):
    return [plain(a or b) for a, b in re.findall(r'"((?:[^"]|"")*)"?|(\S+)', rest)]


def sections(source):
    """(heading, text) of a page in the man macros."""
    heading, lines, filled = "", [], True
    for line in source.splitlines():
        if line.startswith((".\\\"", "'\\\"", "'''")):
            continue
        macro = re.match(r"[.']\s*(\w+)\s*(.*)", line)
        if not macro:
            line = plain(re.sub(r"\\\".*", "", line))
            if filled and lines and lines[-1] and line:
                lines[-1] += " " + line
            else:
                lines.append(line)
            continue
        name, rest = macro.groups()
        if name == "SH":
            yield heading, "\n".join(lines)
            heading, lines = " ".join(arguments(rest)), []
        elif name == "SS":
            lines += ["", " ".join(arguments(rest)), ""]
        elif name in ("PP", "P", "LP", "TP", "IP", "HP", "sp", "TQ"):
            lines += ["", arguments(rest)[0] if name == "IP" and arguments(rest) else ""]
        elif name in ("nf", "EX"):
            filled = False
            lines.append("")
        elif name in ("fi", "EE"):
            filled = True
            lines.append("")
        elif name in ("B", "I", "SM", "SB", "BR", "RB", "BI", "IB", "IR", "RI", "MR"):
            words = arguments(rest)
            text = ("" if len(name) == 2 and name[0] != "S" else " ").join(words)
            if filled and lines and lines[-1]:
                lines[-1] += " " + text
            else:
                lines.append(text)
    yield heading, "\n".join(lines)


def page(path):
    """(title, description, text) of a page; None where it is another one's alias or not in the man macros."""
    try:
        source = gzip.decompress(path.read_bytes()).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not re.search(r"^\.TH ", source, re.M):
        return None
    parts = [(heading, text) for heading, text in sections(source) if heading]
    if len(parts) < 2:
        return None
    # NAME is the first section in every language.
    described = re.match(r"(?s).*?\s[-–—]+\s+(.*)", parts[0][1].strip())
    if not described:
        return None
    text = "\n\n".join(f"{heading}\n\n{text.strip()}" for heading, text in parts[1:])
    name = path.name.removesuffix(".gz")
    stem, _, number = name.rpartition(".")
    return f"{stem}({number})", " ".join(described[1].split()), re.sub(r"\n{3,}", "\n\n", text).strip()


def fetch(language, folder):
    subprocess.run(["apt-get", "download", "-qq", *PACKAGES[language]], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "root"], check=True)
    root = folder / "root/usr/share/man"
    return root if language == "en" else root / language


def main():
    out, language = pathlib.Path(sys.argv[1]), sys.argv[2]
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 500
    pages, seen = [], set()
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(fetch(language, pathlib.Path(folder)).glob("man[1-8]/*.gz")):
            if path.is_symlink():
                continue
            found = page(path)
            if found is None or len(found[2]) not in CHARACTERS or not seen.isdisjoint(found[1:]):
                continue
            question = found[1]
            if len(question) < 8 or (language != "en" and len(ENGLISH.findall(question)) > 1) or (language == "ja" and question.isascii()):
                continue
            seen |= set(found[1:])
            pages.append(found)
    pages = [pages[i * len(pages) // min(wanted, len(pages))] for i in range(min(wanted, len(pages)))]
    out.mkdir(parents=True, exist_ok=True)
    rows = [{"_id": title, "title": title, "text": text} for title, _, text in pages]
    asked = [{"_id": f"q-{title}", "text": question} for title, question, _ in pages]
    for name, lines in (("corpus.jsonl", rows), ("queries.jsonl", asked)):
        (out / name).write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    judged = ["query-id\tcorpus-id\tscore"] + [f"q-{title}\t{title}\t1" for title, _, _ in pages]
    (out / "qrels.tsv").write_text("\n".join(judged) + "\n")
    print(f"{len(pages)} pages, {sum(len(text) for _, _, text in pages)} characters")


main()

#!/usr/bin/env python3
"""Makes a judged retrieval set of our own: the first line of a docstring asks for the rest of it.

    docstrings.py OUT [FOLDER…]

reads the Python sources below each FOLDER (the standard library, PSF licence, when none is given) without running them, and writes
OUT/corpus.jsonl, OUT/queries.jsonl and OUT/qrels.tsv as `strata kb import` and `strata kb eval` take them. The same sources give the
same files.
"""
import ast
import json
import pathlib
import sys
import sysconfig

REST_MIN = 200  # characters
SUMMARY_WORDS = range(4, 31)


def docstrings(folder):
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        if {"test", "tests", "idlelib", "site-packages", "lib2to3"} & set(place.parts):
            continue
        try:
            tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield place, node.name, ast.get_docstring(node) or ""


def main():
    out = pathlib.Path(sys.argv[1])
    folders = [pathlib.Path(name) for name in sys.argv[2:]] or [pathlib.Path(sysconfig.get_path("stdlib"))]
    out.mkdir(parents=True, exist_ok=True)
    seen = set()
    corpus, queries, judgements = [], [], ["query-id\tcorpus-id\tscore"]
    for folder in folders:
        for place, name, text in docstrings(folder):
            summary, _, rest = text.partition("\n\n")
            summary, rest = " ".join(summary.split()), rest.strip()
            if len(rest) < REST_MIN or len(summary.split()) not in SUMMARY_WORDS or rest in seen or summary in seen:
                continue
            seen |= {rest, summary}
            number = f"d{len(corpus)}"
            corpus.append({"_id": number, "title": "", "text": rest})
            queries.append({"_id": f"q{number}", "text": summary})
            judgements.append(f"q{number}\t{number}\t1")
    for name, rows in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        (out / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    (out / "qrels.tsv").write_text("\n".join(judgements) + "\n")
    print(f"{len(corpus)} documents and questions")


main()

#!/usr/bin/env python3
"""one_pair.py DIR OUT: the six files of labelled rows with one pair of models, called strong and weak, so that every source can be left out in turn.

GPT-4 and Mixtral where a file has them, else gpt-4o-2024-05-13 and gpt-4o-mini-2024-07-18. With it `strata route eval --rows OUT --pair strong,weak
--hold-out source` learns from five sources and tests on the sixth.
"""
import gzip
import json
import os
import sys

FILES = ["routellm-mmlu", "routellm-mtbench", "routerbench-arc-challenge", "routerbench-winogrande", "zeroeval-math-l5",
         "zeroeval-numersense-v2"]
PAIRS = [("gpt-4-1106-preview", "mixtral-8x7b-instruct"), ("gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18")]


def main(folder, target):
    with gzip.open(target, "wt", encoding="utf-8") as out:
        for name in FILES:
            with gzip.open(os.path.join(folder, name + ".jsonl.gz"), "rt", encoding="utf-8") as rows:
                for line in rows:
                    row = json.loads(line)
                    pair = next((p for p in PAIRS if all(m in row["outcomes"] for m in p)), None)
                    if pair is None:
                        continue
                    row["outcomes"] = {"strong": row["outcomes"][pair[0]], "weak": row["outcomes"][pair[1]]}
                    out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

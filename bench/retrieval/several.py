"""How well several knowledge bases rank together, compared with one that holds all: nDCG@10 and R@10 of judged queries, and the
time of a search on the clock (p50).

    several.py STRATA SET [SET …] [--parts N] [--embedding-models A,B] [--queries N]

STRATA is the binary. A SET is a folder with corpus.jsonl.gz, queries.jsonl and qrels.tsv. With --parts each set is dealt out at
random (seed 1) over N bases, without it each set is a base; the embedding models take turns. Rows: each set's queries asked of
  alone     the one base of its set
  together  all bases in one search (kb/A,B,…)
  one base  a base that holds the documents of all sets, embedded by the first model
A server of its own is started on a fresh data folder and stopped at the end.
"""
import argparse
import gzip
import json
import math
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

BEARER = "sk-strata-bench-several-0123456789abcdef"
DEPTH = 10


def documents_of(folder):
    with gzip.open(os.path.join(folder, "corpus.jsonl.gz"), "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def queries_of(folder, most):
    with open(os.path.join(folder, "queries.jsonl"), encoding="utf-8") as f:
        queries = [json.loads(line) for line in f]
    grades = {}
    with open(os.path.join(folder, "qrels.tsv"), encoding="utf-8") as f:
        next(f)
        for line in f:
            query, document, grade = line.split("\t")
            grades.setdefault(query, {})[document] = int(grade)
    judged = [q for q in queries if any(g > 0 for g in grades.get(q["_id"], {}).values())]
    random.Random(1).shuffle(judged)
    return [(q["text"], grades[q["_id"]]) for q in judged[:most]]


def figures(ranking, grades):
    gain = sum(grades.get(d, 0) / math.log2(i + 2) for i, d in enumerate(ranking[:DEPTH]))
    ideal = sum(g / math.log2(i + 2) for i, g in enumerate(sorted(grades.values(), reverse=True)[:DEPTH]))
    relevant = [d for d, g in grades.items() if g > 0]
    return gain / ideal, sum(d in ranking[:DEPTH] for d in relevant) / len(relevant)


class Server:
    def __init__(self, strata):
        self.strata = strata
        self.folder = tempfile.mkdtemp(prefix="strata-several-")
        config = os.path.join(self.folder, "strata.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("server: {detect_providers: false, background_nice: 0}\n")
        self.data = os.path.join(self.folder, "data")
        self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([strata, "serve", "--data", self.data, "--config", config, "--listen", "127.0.0.1:0",
                                         "--tls-listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if m := re.match(r"ready (\S+)", line):
                self.url = m[1]
                break
        self.cli("key", "create", "--role", "admin", "--bearer", BEARER)

    def cli(self, *args):
        subprocess.run([self.strata, "--data", self.data, *args], check=True, stdout=subprocess.DEVNULL)

    def base(self, name, documents, model):
        path = os.path.join(self.folder, name + ".jsonl")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(d) + "\n" for d in documents)
        self.cli("kb", "create", name, *(["--embedding-model", model] if model else []))
        self.cli("kb", "import", name, path)
        os.remove(path)

    def search(self, names, query):
        request = urllib.request.Request(
            f"{self.url}/strata/v1/kbs/{names}/search", json.dumps({"query": query, "results": 2 * DEPTH}).encode(), method="POST",
            headers={"authorization": "Bearer " + BEARER, "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as reply:
            found = json.load(reply)["retrievalResults"]
        return list(dict.fromkeys(r["metadata"]["x-amz-bedrock-kb-source-uri"] for r in found))

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strata")
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--embedding-models", default="")
    parser.add_argument("--queries", type=int, default=200)
    args = parser.parse_args()
    models = args.embedding_models.split(",")
    server = Server(args.strata)
    try:
        bases, everything, alone = [], [], {}
        for number, folder in enumerate(args.sets):
            # Ids of two sets may be the same.
            documents = [dict(d, _id=f"{number}-{d['_id']}") for d in documents_of(folder)]
            everything += documents
            random.Random(1).shuffle(documents)
            parts = [documents[i::args.parts] for i in range(args.parts)]
            for part in parts:
                bases.append(f"part{len(bases)}")
                server.base(bases[-1], part, models[(len(bases) - 1) % len(models)])
            alone[folder] = ",".join(bases[-args.parts:])
        server.base("all", everything, models[0])
        print(f"{len(bases)} bases, embedding models {models}")
        for number, folder in enumerate(args.sets):
            queries = queries_of(folder, args.queries)
            rows = [("alone", alone[folder])] if args.parts == 1 else []
            for label, names in rows + [("together", ",".join(bases)), ("one base", "all")]:
                each, times = [], []
                for text, grades in queries:
                    started = time.monotonic()
                    found = server.search(names, text)
                    times.append(1000 * (time.monotonic() - started))
                    each.append(figures(found, {f"{number}-{d}": g for d, g in grades.items()}))
                mean = [sum(column) / len(each) for column in zip(*each)]
                print(f"{os.path.basename(folder.rstrip('/')):16} {label:9} {len(each):4} queries  "
                      f"nDCG@10 {mean[0]:.4f}  R@10 {mean[1]:.4f}  p50 {sorted(times)[len(times) // 2]:.1f} ms", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What people who use a server notice of an ingestion that runs on it, and what the ingestion loses by giving way.

Question: how long do a question to a small knowledge base (answered by builtin/extract), an embedding of one short text and a chat
of the demo language model take, one at a time, on a server at rest and while a large knowledge base is synchronised?

A fresh server gets the sample documents; then the three kinds are asked in turn, some rounds at rest and as many during the sync.
The large folder is seeded: sentences of this repository's Markdown, drawn anew, half of the documents as HTML (parsed in child
processes). Last, a sync with nothing beside it: wall and CPU time of the server and its children.

    bench/ingest/run.py --strata build/release/strata [--rounds 30] [--documents 400] [--alone 40]
"""
import argparse
import glob
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
QUESTIONS = ["Who is called when a glass plate breaks?", "How many loans were there?", "When does the reading room close?",
             "What happened in incident 2024-17?", "At which temperature are negatives kept?"]
CHAT = "Name three things that one can see at the sea."


def sentences():
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)):
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"[|`#*\[\]<>]", " ", f.read())
        found += [s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if 40 < len(s) < 300]
    return found


def write_folder(folder, documents, seed):
    os.makedirs(folder)
    rng = random.Random(seed)
    pool = sentences()
    for number in range(documents):
        paragraphs = [" ".join(rng.choices(pool, k=rng.randint(3, 9))) for _ in range(rng.randint(6, 14))]
        html = number % 2 == 0
        with open(os.path.join(folder, f"{number:05}.{'html' if html else 'txt'}"), "w", encoding="utf-8") as f:
            f.write("\n\n".join(f"<p>{p}</p>" for p in paragraphs) if html else "\n\n".join(paragraphs))


class Server:
    def __init__(self, strata, folder):
        self.strata, self.data = strata, os.path.join(folder, "data")
        config = os.path.join(folder, "strata.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write('server: {detect_providers: false, tls_listen: "", listen: "127.0.0.1:0"}\n')
        self.process = subprocess.Popen([strata, "--data", self.data, "--config", config, "serve"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if m := re.search(r"(sk-strata-\S+)", line):
                self.key = m[1]
            if m := re.match(r"ready (\S+)", line):
                self.url = m[1]
                break
        self.command("kb", "create", "samples", os.path.join(ROOT, "samples"))
        self.command("kb", "sync", "samples")

    def command(self, *args):
        return subprocess.run([self.strata, "--data", self.data, *args], check=True, capture_output=True, text=True).stdout

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                         {"authorization": "Bearer " + self.key, "content-type": "application/json"})
        start = time.monotonic()
        with urllib.request.urlopen(request, timeout=300) as reply:
            reply.read()
        return (time.monotonic() - start) * 1000

    def cpu_seconds(self):
        """Of the server and of those of its children that have ended."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def ask_rounds(server, rounds):
    times = {"question": [], "embedding": [], "chat": []}
    for number in range(rounds):
        question = QUESTIONS[number % len(QUESTIONS)]
        times["question"].append(server.post("/v1/chat/completions", {
            "model": "kb/samples", "messages": [{"role": "user", "content": question}]}))
        times["embedding"].append(server.post("/v1/embeddings", {
            "model": "builtin/all-minilm-l6-v2", "input": f"{question} {number}"}))
        times["chat"].append(server.post("/v1/chat/completions", {
            "model": "builtin/smollm2-135m-instruct", "messages": [{"role": "user", "content": CHAT}], "max_tokens": 24,
            "temperature": 0, "seed": number}))
    return times


def percentiles(times):
    ordered = sorted(times)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strata", required=True)
    parser.add_argument("--rounds", type=int, default=30, help="0: none")
    parser.add_argument("--documents", type=int, default=400, help="of the large folder")
    parser.add_argument("--alone", type=int, default=40, help="documents of the sync that runs alone; 0: none")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="strata-bench-")
    if args.rounds:
        measure_beside(args, os.path.join(folder, "beside"))
    if args.alone:
        measure_alone(args, os.path.join(folder, "alone"))
    shutil.rmtree(folder)


def measure_beside(args, folder):
    write_folder(os.path.join(folder, "large"), args.documents, 1)
    server = Server(args.strata, folder)
    try:
        ask_rounds(server, 3)
        rest = ask_rounds(server, args.rounds)
        server.command("kb", "create", "large", os.path.join(folder, "large"))
        sync = subprocess.Popen([args.strata, "--data", server.data, "kb", "sync", "large"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        time.sleep(2)
        busy = ask_rounds(server, args.rounds)
        if sync.poll() is not None:
            raise SystemExit("the sync ended before the rounds did: raise --documents")
    finally:
        server.stop()
    sync.wait()
    print("| ms | at rest, p50 | p95 | during a sync, p50 | p95 | times as long, p50 |\n|---|---:|---:|---:|---:|---:|")
    for kind in rest:
        (a, b), (c, d) = percentiles(rest[kind]), percentiles(busy[kind])
        print(f"| {kind} | {a:.0f} | {b:.0f} | {c:.0f} | {d:.0f} | {c / a:.1f} |")


def measure_alone(args, folder):
    write_folder(os.path.join(folder, "documents"), args.alone, 2)
    server = Server(args.strata, folder)
    try:
        server.command("kb", "create", "alone", os.path.join(folder, "documents"))
        cpu = server.cpu_seconds()
        wall = server.post("/strata/v1/kbs/alone/sync", {}) / 1000
        print(f"\nsync of {args.alone} documents alone: {wall:.1f} s, {server.cpu_seconds() - cpu:.1f} s of CPU")
    finally:
        server.stop()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""kill -9 at seeded points of ingestion and of a serving process, and what must hold afterwards.

Part one runs a fixed life of a knowledge base (create, sync, change the folder, sync, import, delete) by commands. Once undisturbed,
counting every crash point it passes; then once for each kill: STRATA_CRASH_AT kills the process at the n-th passage of a point,
the command is repeated, and at the end chunks, vectors, document states and search results must equal the undisturbed run's.

Part two kills a server while documents are ingested and questions asked over HTTP. After a restart every acknowledged
document must be indexed and every answered request must be in the ledger exactly once.

    kb_crash.py --strata build/release/strata [--kills 30] [--server-kills 6] [--seed 1]
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BEARER = "sk-strata-crash-test-0123456789abcdef"
WORDS = "harbour lamp rope anchor tide keeper signal storm ledger crane winch buoy chart compass pilot".split()


def write_corpus(folder, version, rng):
    """Version 2 changes three documents, drops two and adds two."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for i in range(10):
        if version == 2 and i in (4, 7):
            continue
        text = f"# Note {i}\n\n" + " ".join(
            f"The {rng.choice(WORDS)} of station {i} was checked with the {rng.choice(WORDS)} on day {d}." for d in range(12))
        if version == 2 and i in (1, 2, 3):
            text += f"\n\nAmended: the {WORDS[i]} was replaced."
        put(folder, f"note-{i}.md", text)
    if version == 2:
        for i in (20, 21):
            put(folder, f"note-{i}.txt", f"Station {i} reports a broken {WORDS[i - 20]} and asks for a {WORDS[i - 15]}.")


def put(folder, name, text):
    # A fixed time stamp, so that versions of unchanged files agree between runs.
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.utime(path, (1_700_000_000, 1_700_000_000))


class Life:
    """One run of the fixed life in a folder of its own."""

    def __init__(self, strata, root, seed):
        self.strata, self.root, self.seed = strata, root, seed
        self.data, self.docs = os.path.join(root, "data"), os.path.join(root, "docs")
        self.corpus = os.path.join(root, "corpus.jsonl")
        self.queries = os.path.join(root, "queries.jsonl")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_CRASH")}
        os.makedirs(root)
        with open(self.corpus, "w") as f:
            for i in range(6):
                f.write(json.dumps({"_id": f"c{i}", "title": f"C {i}", "text": f"Crate {i} holds a {WORDS[i]} and a {WORDS[i + 5]}."}) + "\n")
        with open(self.queries, "w") as f:
            for i, word in enumerate(WORDS):
                f.write(json.dumps({"_id": f"q{i}", "text": f"what happened to the {word}"}) + "\n")
        self.config = os.path.join(root, "strata.yaml")
        with open(self.config, "w") as f:
            f.write("server: {detect_providers: false}\n")

    def run(self, args, env=None):
        return subprocess.run([self.strata, "--data", self.data, "--config", self.config, *args], env={**self.env, **(env or {})},
                              capture_output=True, text=True, timeout=300)

    def steps(self):
        rng = random.Random(self.seed)
        states = [rng.getrandbits(32) for _ in range(2)]
        return [
            lambda: write_corpus(self.docs, 1, random.Random(states[0])),
            ["kb", "create", "notes", self.docs],
            ["kb", "sync", "notes"],
            lambda: write_corpus(self.docs, 2, random.Random(states[0])),
            ["kb", "sync", "notes"],
            ["kb", "import", "crates", self.corpus],
            ["kb", "import", "gone", self.corpus],
            ["kb", "delete", "gone"],
        ]

    def live(self, crash_env):
        """All steps; a killed command is repeated without the crash. Returns the number of kills."""
        kills = 0
        for step in self.steps():
            if callable(step):
                step()
                continue
            done = self.run(step, crash_env if kills == 0 else None)
            if done.returncode == -9:
                kills += 1
                done = self.run(step)
                # A repeated create or delete finds its work done: that is an answer, too.
                if done.returncode != 0 and not re.search(r"exists|does not exist", done.stderr):
                    raise SystemExit(f"after the kill, strata {' '.join(step)}: {done.stdout}{done.stderr}")
                if step[1] in ("sync", "import"):
                    done = self.run(step)
            elif done.returncode != 0:
                raise SystemExit(f"strata {' '.join(step)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return kills

    def picture(self):
        """What must not depend on kills: documents, chunks, vectors, and what searches find."""
        listed = self.run(["kb", "list"]).stdout
        ids = dict(re.findall(r"^(\S+)\s+([A-Z0-9]{10})\s", listed, re.M))
        out = {"bases": sorted(ids)}
        for name, kb in sorted(ids.items()):
            db = sqlite3.connect(f"file:{self.data}/kb-{kb}.db?mode=ro", uri=True)
            key = lambda uri: uri.replace(self.root, "ROOT")
            out[name + ".documents"] = sorted(
                (key(u), s, c) for u, s, c in db.execute("SELECT uri, status, chunks FROM documents"))
            out[name + ".chunks"] = sorted(
                (key(u), s, e, t, bytes(v).hex()) for u, s, e, t, v in db.execute(
                    "SELECT d.uri, c.start, c.end, c.text, c.vector FROM chunks c JOIN documents d ON d.row = c.document_row"))
            out[name + ".pending"] = db.execute("SELECT count(*) FROM pending").fetchone()[0]
            db.close()
            for mode in ("lexical", "hybrid"):
                run_file = os.path.join(self.root, "run.tsv")
                done = self.run(["kb", "run", name, "--queries", self.queries, "--out", run_file, "--mode", mode, "--depth", "5"])
                if done.returncode != 0:
                    raise SystemExit(done.stdout + done.stderr)
                with open(run_file) as f:
                    out[f"{name}.{mode}"] = sorted(key(line) for line in f)
        return out


def commands(args, work):
    count_file = os.path.join(work, "points")
    calm = Life(args.strata, os.path.join(work, "calm"), args.seed)
    calm.live({"STRATA_CRASH_COUNT": count_file})
    expected = calm.picture()
    passed = {}
    with open(count_file) as f:
        for line in f:
            passed[line.strip()] = passed.get(line.strip(), 0) + 1
    rng = random.Random(args.seed)
    plan = [(p, rng.randint(1, n)) for p, n in sorted(passed.items())]  # each point at least once
    while len(plan) < args.kills:
        point = rng.choice(sorted(passed))
        plan.append((point, rng.randint(1, passed[point])))
    hit = {}
    for number, (point, at) in enumerate(plan):
        life = Life(args.strata, os.path.join(work, f"kill-{number}"), args.seed)
        kills = life.live({"STRATA_CRASH_AT": f"{point}:{at}"})
        hit[point] = hit.get(point, 0) + kills
        picture = life.picture()
        for name, value in expected.items():
            if picture.get(name) != value:
                raise SystemExit(f"after a kill at {point}:{at} {name} differs:\n {value}\n {picture.get(name)}")
        print(f"[{number + 1}/{len(plan)}] {point}:{at} {'killed, same index' if kills else 'not passed again'}", flush=True)
        shutil.rmtree(life.root)
    return hit


def call(url, method, path, body, timeout=20):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), method=method,
                                     headers={"authorization": "Bearer " + BEARER, "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return reply.headers, json.loads(reply.read())


class Serving:
    def __init__(self, life, env):
        self.life = life
        self.process = subprocess.Popen([life.strata, "serve", "--data", life.data, "--config", life.config, "--listen", "127.0.0.1:0",
                                         "--tls-listen", ""], env={**life.env, **env}, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.url = None
        for line in self.process.stdout:
            if m := re.match(r"ready (\S+)", line):
                self.url = m[1]
                break

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)


def document(i):
    return {"documents": [{"content": {"dataSourceType": "CUSTOM", "custom": {
        "customDocumentIdentifier": {"id": f"d{i}"}, "sourceType": "IN_LINE",
        "inlineContent": {"type": "TEXT", "textContent": {"data": f"Parcel {i} holds a {WORDS[i % len(WORDS)]}."}}}}}]}


def ask(url, i):
    headers, _ = call(url, "POST", "/v1/chat/completions", {
        "model": "kb/notes", "messages": [{"role": "user", "content": f"What happened to the {WORDS[i % len(WORDS)]}?"}]})
    return headers["x-strata-trace-id"]


def server_kill(life, kb, source, env, first):
    """Work until the server dies (or all is done); what was acknowledged."""
    ingested, answered, killed = [], [], False
    serving = Serving(life, env)
    path = f"/knowledgebases/{kb}/datasources/{source}/documents"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = {}
        for i in range(first, first + 24):
            jobs[pool.submit(call, serving.url, "PUT", path, document(i))] = ("document", f"d{i}")
            jobs[pool.submit(ask, serving.url, i)] = ("answer", None)
        for job in concurrent.futures.as_completed(jobs):
            kind, name = jobs[job]
            try:
                value = job.result()
                (ingested if kind == "document" else answered).append(name or value)
            except (OSError, urllib.error.URLError, ConnectionError):
                pass
            except Exception as problem:  # a cut answer: http.client's own errors
                if "IncompleteRead" not in repr(problem) and "RemoteDisconnected" not in repr(problem):
                    raise
    time.sleep(0.5)
    killed = serving.process.poll() == -9
    serving.stop()
    return ingested, answered, killed


def serve(args, work):
    life = Life(args.strata, os.path.join(work, "serve"), args.seed)
    write_corpus(life.docs, 1, random.Random(args.seed))
    for step in (["kb", "create", "notes", life.docs], ["kb", "sync", "notes"],
                 ["key", "create", "--role", "admin", "--bearer", BEARER]):
        done = life.run(step)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)
    serving = Serving(life, {})
    kb = call(serving.url, "POST", "/knowledgebases/", {})[1]["knowledgeBaseSummaries"][0]["knowledgeBaseId"]
    source = call(serving.url, "PUT", f"/knowledgebases/{kb}/datasources/", {
        "name": "own", "dataSourceConfiguration": {"type": "CUSTOM"}})[1]["dataSource"]["dataSourceId"]
    serving.stop()
    points = ["kb.pending.committed", "kb.pending.written", "kb.pending.enqueued", "journal.drain.before_sink", "ledger.append.before_commit",
              "ledger.append.committed", "journal.drain.after_sink", "kb.document.written", "kb.document.committed"]
    rng = random.Random(args.seed)
    hit, all_ingested, all_answered = {}, [], []
    for number in range(args.server_kills):
        point = points[number % len(points)]
        ingested, answered, killed = server_kill(life, kb, source, {"STRATA_CRASH_AT": f"{point}:{rng.randint(1, 6)}"}, number * 24)
        hit[point] = hit.get(point, 0) + killed
        all_ingested += ingested
        all_answered += answered
        print(f"[server {number + 1}/{args.server_kills}] {point} {'killed' if killed else 'lived'}: "
              f"{len(ingested)} documents and {len(answered)} answers acknowledged", flush=True)
    check_server(life, kb, source, all_ingested, all_answered)
    return hit


def check_server(life, kb, source, ingested, answered):
    serving = Serving(life, {})
    missing = set(ingested)
    deadline = time.monotonic() + 120
    while missing and time.monotonic() < deadline:
        for part in [sorted(missing)[i:i + 10] for i in range(0, len(missing), 10)]:
            ids = [{"dataSourceType": "CUSTOM", "custom": {"id": i}} for i in part]
            details = call(serving.url, "POST", f"/knowledgebases/{kb}/datasources/{source}/documents/getDocuments",
                           {"documentIdentifiers": ids})[1]["documentDetails"]
            missing -= {d["identifier"]["custom"]["id"] for d in details if d["status"] == "INDEXED"}
        time.sleep(0.2)
    serving.stop()
    if missing:
        raise SystemExit(f"acknowledged documents that are not indexed: {sorted(missing)}")
    db = sqlite3.connect(f"file:{life.data}/ledger.db?mode=ro", uri=True)
    rows = {}
    for request, number in db.execute("SELECT request_id, call_number FROM calls"):
        rows.setdefault(request, []).append(number)
    for request in answered:
        numbers = rows.get(request, [])
        if not numbers or sorted(numbers) != list(range(len(numbers))):
            raise SystemExit(f"answered request {request} has ledger rows {numbers}")
    print(f"{len(ingested)} acknowledged documents indexed, {len(answered)} answered requests in the ledger exactly once")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--server-kills", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.strata = os.path.abspath(args.strata)
    work = tempfile.mkdtemp(prefix="strata-kb-crash-")
    try:
        hit = commands(args, work)
        served = serve(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\nkills by point:")
    for point, kills in sorted(hit.items()):
        print(f"  {point:<28} {kills}")
    for point, kills in sorted(served.items()):
        print(f"  server: {point:<20} {kills}")
    never = [p for p, kills in hit.items() if kills == 0]
    print(f"{sum(hit.values()) + sum(served.values())} kills; seed {args.seed}")
    if never:
        raise SystemExit(f"points never hit: {never}")


if __name__ == "__main__":
    sys.exit(main())

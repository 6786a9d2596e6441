#!/usr/bin/env python3
"""kill -9 at seeded points of ingestion and of a serving process, and what must hold afterwards.

Part one lives a fixed life of knowledge bases, step by step: commands, and requests to a server. Once undisturbed, counting the crash
points that each step passes and keeping the folder as it was before each step; then once for each kill: from the folder before the
step, STRATA_CRASH_AT kills the process at the n-th passage of a point, the step is ended by a new process without repeating what
was acknowledged, and documents, chunks, vectors and lexical results must equal those of the undisturbed life after that step.

Part two kills a server while documents are ingested and questions asked at the same time. After a restart every acknowledged document
must be indexed and every answered request must be in the ledger exactly once.

Every crash point of the sources must be passed by the life and hit by a kill; those of the journal's own life are journal_crash's,
and those of the names graph, whose files only large bases have, are names_keeper_test's.

    kb_crash.py --strata build/release/strata --src src [--kills 40] [--server-kills 9] [--seed 1]
"""
import argparse
import concurrent.futures
import http.client
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
CONFIG = "server: {detect_providers: false}\nkb: {embedding_model: builtin/static-minilm-256}\n"
FILE_ID = re.compile("file-[A-Z0-9]{24}")  # of uploaded files, drawn anew each time
BROKEN_CONNECTION = (ConnectionError, http.client.HTTPException, urllib.error.URLError, TimeoutError)


def put(folder, name, text):
    # A fixed time stamp, so that versions of unchanged files agree between runs.
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.utime(path, (1_700_000_000, 1_700_000_000))


def write_corpus(folder, version, seed):
    """Version 2 changes three documents and the readers of a fourth, drops two, adds one and one that cannot be parsed."""
    rng = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for i in range(8):
        text = f"# Note {i}\n\n" + " ".join(
            f"The {rng.choice(WORDS)} of station {i} was checked with the {rng.choice(WORDS)} on day {d}." for d in range(12))
        if version == 2 and i in (4, 7):
            continue
        if version == 2 and i in (1, 2, 3):
            text += f"\n\nAmended: the {WORDS[i]} was replaced."
        put(folder, f"note-{i}.txt", text)
    if version == 2:
        put(folder, "note-5.txt.metadata.json", '{"metadataAttributes": {"strata_principals": ["group:keepers"]}}')
        put(folder, "note-20.md", "# Station 20\n\nIt reports a broken buoy and asks for a chart.")
        put(folder, "note-21.docx", "not a format that is parsed")


# 3: a sync that is done, in which a document failed (note-21.docx cannot be parsed).
DONE = (0, 3)


class Serving:
    """A server process. `url` is None when it died before it was ready."""

    def __init__(self, life, env):
        self.log = os.path.join(life.root, "server.log")
        self.process = subprocess.Popen(
            [life.strata, "serve", "--data", life.data, "--config", life.config, "--listen", "127.0.0.1:0", "--tls-listen", ""],
            env={**life.env, **env}, stdout=subprocess.PIPE, stderr=open(self.log, "w"), text=True)
        self.url = None
        for line in self.process.stdout:
            if m := re.match(r"ready (\S+)", line):
                self.url = m[1]
                break
        if self.url is None and self.process.wait(60) != -9:
            raise SystemExit(f"the server did not start: {self.said()}")

    def said(self):
        with open(self.log) as f:
            return f.read()[-4000:]

    def died(self):
        """After a connection broke: the server must have been killed."""
        code = self.process.wait(60)
        if code != -9:
            raise SystemExit(f"the server ended with {code}: {self.said()}")

    def stop(self):
        """Ends it; whether a crash point killed it instead."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(60)
        if code not in (0, -9):
            raise SystemExit(f"the server ended with {code}: {self.said()}")
        return code == -9


class Api:
    """The requests of the life, each a method that may be repeated when no answer came."""

    def __init__(self, url):
        self.url = url
        bases = call(url, "POST", "/knowledgebases/", {})[1]["knowledgeBaseSummaries"]
        self.path = "/knowledgebases/" + next(b["knowledgeBaseId"] for b in bases if b["name"] == "notes") + "/datasources/"

    def source(self, name):
        found = call(self.url, "POST", self.path, {})[1]["dataSourceSummaries"]
        return next((s["dataSourceId"] for s in found if s["name"] == name), None)

    def make_source(self):
        if self.source("own") is None:  # an earlier request may have made it and died before its answer
            call(self.url, "PUT", self.path, {"name": "own", "dataSourceConfiguration": {"type": "CUSTOM"}})

    def ingest(self, i):
        call(self.url, "PUT", f"{self.path}{self.source('own')}/documents", document(i))

    def wait_indexed(self, numbers):
        wait_indexed(self.url, f"{self.path}{self.source('own')}", [f"d{i}" for i in numbers])

    def remove(self, i):
        ids = [{"dataSourceType": "CUSTOM", "custom": {"id": f"d{i}"}}]
        call(self.url, "POST", f"{self.path}{self.source('own')}/documents/deleteDocuments", {"documentIdentifiers": ids})

    def sync(self):
        try:
            call(self.url, "PUT", f"{self.path}{self.source('documents')}/ingestionjobs/", {})
        except urllib.error.HTTPError as e:
            if e.code != 409:  # the job that was recorded before the kill goes on
                raise

    def wait_synced(self):
        def done():
            jobs = call(self.url, "POST", f"{self.path}{self.source('documents')}/ingestionjobs/", {})[1]["ingestionJobSummaries"]
            if any(j["status"] in ("FAILED", "STOPPED") for j in jobs):
                raise SystemExit(f"an ingestion job did not end well: {jobs}")
            return all(j["status"] == "COMPLETE" for j in jobs)
        until(done, "ingestion jobs end")

    def store(self):
        stores = call(self.url, "GET", "/v1/vector_stores")[1]["data"]
        return next((s["id"] for s in stores if s["name"] == "shelf"), None)

    def make_store(self):
        if self.store() is None:
            call(self.url, "POST", "/v1/vector_stores", {"name": "shelf"})

    def file(self, name):
        files = call(self.url, "GET", "/v1/files")[1]["data"]
        return next((f["id"] for f in files if f["filename"] == name), None)

    def upload(self, name):
        if self.file(name) is None:
            body = "".join(f'--edge\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n' for head, text in (
                ('name="purpose"', "assistants"), (f'name="file"; filename="{name}"', "The shelf holds an anchor and a lamp.")))
            request = urllib.request.Request(self.url + "/v1/files", (body + "--edge--").encode(), method="POST", headers={
                "authorization": "Bearer " + BEARER, "content-type": "multipart/form-data; boundary=edge"})
            urllib.request.urlopen(request, timeout=60).close()

    def add_file(self, name):
        call(self.url, "POST", f"/v1/vector_stores/{self.store()}/files", {"file_id": self.file(name), "attributes": {"row": 1}})

    def wait_files(self, completed):
        until(lambda: call(self.url, "GET", f"/v1/vector_stores/{self.store()}")[1]["file_counts"]["completed"] == completed,
              "files of the vector store are indexed")

    def drop_source(self):
        if (source := self.source("own")) is not None:
            call(self.url, "DELETE", f"{self.path}{source}")


class Life:
    """The fixed life in a folder of its own. `steps` are (name, preparation or None, work)."""

    def __init__(self, strata, root, seed):
        self.strata, self.root, self.seed = strata, root, seed
        self.data, self.docs = os.path.join(root, "data"), os.path.join(root, "docs")
        self.corpus, self.queries = os.path.join(root, "corpus.jsonl"), os.path.join(root, "queries.jsonl")
        self.config = os.path.join(root, "strata.yaml")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("STRATA_")}
        self.steps = [
            ("create", lambda: write_corpus(self.docs, 1, seed), ["kb", "create", "notes", self.docs]),
            ("sync", None, ["kb", "sync", "notes"]),
            ("sync changes", lambda: write_corpus(self.docs, 2, seed), ["kb", "sync", "notes"]),
            ("import", None, ["kb", "import", "crates", self.corpus]),
            ("ingest", None, [(Api.make_source,), (Api.ingest, 0), (Api.ingest, 1), (Api.ingest, 0),
                              (Api.wait_indexed, (0, 1))]),
            ("sync by request", lambda: write_corpus(self.docs, 1, seed + 1), [(Api.remove, 1), (Api.sync,), (Api.wait_synced,)]),
            ("drop source", None, [(Api.drop_source,)]),
            ("vector store", None, [(Api.make_store,), (Api.upload, "shelf.txt"), (Api.add_file, "shelf.txt"), (Api.wait_files, 1)]),
            ("delete", None, ["kb", "delete", "crates"]),
        ]

    def make(self):
        os.makedirs(self.root)
        with open(self.config, "w") as f:
            f.write(CONFIG)
        with open(self.corpus, "w") as f:
            for i in range(5):
                f.write(json.dumps({"_id": f"c{i}", "title": f"C {i}", "text": f"Crate {i} holds a {WORDS[i]} and a {WORDS[i + 5]}."}) + "\n")
        with open(self.queries, "w") as f:
            for i, word in enumerate(WORDS):
                f.write(json.dumps({"_id": f"q{i}", "text": f"what happened to the {word}"}) + "\n")
        self.must(["key", "create", "--role", "admin", "--bearer", BEARER])

    def run(self, args, env=None):
        return subprocess.run([self.strata, "--data", self.data, "--config", self.config, *args], env={**self.env, **(env or {})},
                              capture_output=True, text=True, timeout=300)

    def must(self, args):
        done = self.run(args)
        if done.returncode not in DONE:
            raise SystemExit(f"strata {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")

    def do(self, step, env):
        """One step, with the crash in `env`; a kill is followed by a process that ends the step. Returns the number of kills."""
        name, prepare, work = self.steps[step]
        if prepare:
            prepare()
        return self.requests(work, env) if isinstance(work[0], tuple) else self.command(work, env)

    def command(self, args, env):
        done = self.run(args, env)
        if done.returncode in DONE:
            return 0
        if done.returncode != -9:
            raise SystemExit(f"strata {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        again = self.run(args)
        # A repeated create or delete may find its work done: that is an answer, too.
        if again.returncode not in DONE and not (args[1] in ("create", "delete") and re.search(r"exists already|does not exist|no such", again.stderr)):
            raise SystemExit(f"after the kill, strata {' '.join(args)}: {again.stdout}{again.stderr}")
        return 1

    def requests(self, work, env):
        """What was answered is not asked again."""
        kills, at = 0, 0
        while True:
            serving = Serving(self, env if kills == 0 else {})
            try:
                api = Api(serving.url) if serving.url else None
                while api and at < len(work):
                    work[at][0](api, *work[at][1:])
                    at += 1
            except urllib.error.HTTPError as e:
                raise SystemExit(f"{e.url}: {e.code} {e.read()}")
            except BROKEN_CONNECTION:
                serving.died()
            finally:
                killed = serving.stop()
            if not killed:
                return kills
            kills += 1

    def picture(self):
        """What must not depend on kills: bases, sources, documents, chunks, vectors, and what the lexical index finds."""
        meta = sqlite3.connect(f"file:{self.data}/meta.db", uri=True)
        ids = dict(meta.execute("SELECT name, id FROM knowledge_bases"))
        out = {"bases": sorted(ids), "sources": sorted(name for name, in meta.execute("SELECT name FROM knowledge_sources"))}
        meta.close()
        for name, kb in sorted(ids.items()):
            run_file = os.path.join(self.root, "run.tsv")
            self.must(["kb", "run", name, "--queries", self.queries, "--out", run_file, "--mode", "lexical", "--depth", "5"])
            with open(run_file) as f:
                out[f"{name}.lexical"] = sorted(FILE_ID.sub("file", line) for line in f)
            db = sqlite3.connect(f"file:{self.data}/kb-{kb}.db", uri=True)
            out[name + ".documents"] = sorted((FILE_ID.sub("file", row[0]), *row[1:]) for row in db.execute(
                "SELECT uri, status, reason, access, chunks FROM documents"))
            out[name + ".chunks"] = sorted(
                (FILE_ID.sub("file", u), s, e, t, bytes(v).hex()) for u, s, e, t, v in db.execute(
                    "SELECT d.uri, c.start, c.end, c.text, c.vector FROM chunks c JOIN documents d ON d.row = c.document_row"))
            out[name + ".pending"] = db.execute("SELECT count(*) FROM pending").fetchone()[0]
            out[name + ".unfinished"] = db.execute("SELECT count(*) FROM ingestions WHERE status NOT IN (2, 3, 5)").fetchone()[0]
            db.close()
        return out


def difference(expected, got):
    for name in sorted(set(expected) | set(got)):
        if expected.get(name) != got.get(name):
            a, b = expected.get(name), got.get(name)
            if isinstance(a, list) and isinstance(b, list):
                a, b = [x for x in a if x not in b], [x for x in b if x not in a]
            return f"{name}: undisturbed {a}, after the kill {b}"
    return None


def count_points(path):
    passed = {}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                passed[line.strip()] = passed.get(line.strip(), 0) + 1
        os.remove(path)
    return passed


def plan_kills(passed, kills, rng):
    """(step, point, n), each point at least once. `passed`: of each step, point → passages."""
    where = {}
    for step, points in enumerate(passed):
        for point in points:
            where.setdefault(point, []).append(step)
    points = sorted(where)
    chosen = points + [rng.choice(points) for _ in range(kills - len(points))]
    plan = []
    for point in chosen:
        step = rng.choice(where[point])
        plan.append((step, point, rng.randint(1, passed[step][point])))
    return sorted(plan)


def commands(args, work):
    life = Life(args.strata, os.path.join(work, "life"), args.seed)
    life.make()
    count_file = os.path.join(work, "points")
    passed, expected = [], []
    for step in range(len(life.steps)):
        shutil.copytree(life.root, os.path.join(work, f"before-{step}"))
        life.do(step, {"STRATA_CRASH_COUNT": count_file})
        passed.append(count_points(count_file))
        expected.append(life.picture())
    plan = plan_kills(passed, args.kills, random.Random(args.seed))
    hit = {point: 0 for points in passed for point in points}
    for number, (step, point, at) in enumerate(plan):
        # How often a step passes a point may depend on how its threads meet; fewer passages are made sure by the first.
        for n in (at, 1):
            shutil.rmtree(life.root)
            shutil.copytree(os.path.join(work, f"before-{step}"), life.root)
            kills = life.do(step, {"STRATA_CRASH_AT": f"{point}:{n}"})
            if problem := difference(expected[step], life.picture()):
                raise SystemExit(f"after a kill at {point}:{n} in step {life.steps[step][0]}: {problem}")
            if kills:
                break
        hit[point] += kills
        print(f"[{number + 1}/{len(plan)}] {life.steps[step][0]}: {point}:{n} {'killed, same index' if kills else 'not passed'}", flush=True)
    return hit


def call(url, method, path, body=None, timeout=60):
    request = urllib.request.Request(url + path, json.dumps(body).encode() if body is not None else None, method=method,
                                     headers={"authorization": "Bearer " + BEARER, "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return reply.headers, json.loads(reply.read())


def until(done, what, seconds=120):
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def wait_indexed(url, source_path, names):
    """All of them are there and INDEXED."""
    missing = set(names)

    def done():
        for part in [sorted(missing)[i:i + 10] for i in range(0, len(missing), 10)]:
            ids = [{"dataSourceType": "CUSTOM", "custom": {"id": i}} for i in part]
            details = call(url, "POST", f"{source_path}/documents/getDocuments", {"documentIdentifiers": ids})[1]["documentDetails"]
            missing.difference_update(d["identifier"]["custom"]["id"] for d in details if d["status"] == "INDEXED")
        return not missing
    until(done, "acknowledged documents are indexed")


def document(i):
    return {"documents": [{"content": {"dataSourceType": "CUSTOM", "custom": {
        "customDocumentIdentifier": {"id": f"d{i}"}, "sourceType": "IN_LINE",
        "inlineContent": {"type": "TEXT", "textContent": {"data": f"Parcel {i} holds a {WORDS[i % len(WORDS)]}."}}}}}]}


def ask(url, i):
    headers, _ = call(url, "POST", "/v1/chat/completions", {
        "model": "kb/notes", "messages": [{"role": "user", "content": f"What happened to the {WORDS[i % len(WORDS)]}?"}]})
    return headers["x-strata-trace-id"]


def server_kill(life, path, env, first):
    """Works until the server dies or all is done. Returns what was acknowledged, and whether it was killed."""
    ingested, answered = [], []
    serving = Serving(life, env)
    if serving.url is None:
        return ingested, answered, True
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = {}
        for i in range(first, first + 12):
            jobs[pool.submit(call, serving.url, "PUT", path + "/documents", document(i))] = f"d{i}"
            jobs[pool.submit(ask, serving.url, i)] = None
        for job in concurrent.futures.as_completed(jobs):
            try:
                value = job.result()
            except urllib.error.HTTPError as e:
                raise SystemExit(f"{e.url}: {e.code} {e.read()}")
            except BROKEN_CONNECTION:
                continue
            if jobs[job]:
                ingested.append(jobs[job])
            else:
                answered.append(value)
    return ingested, answered, serving.stop()


def serve(args, work):
    life = Life(args.strata, os.path.join(work, "serve"), args.seed)
    life.make()
    for step in (0, 1):
        life.do(step, {})
    serving = Serving(life, {})
    api = Api(serving.url)
    api.make_source()
    path = api.path + api.source("own")
    serving.stop()
    points = ["kb.pending.committed", "kb.pending.written", "kb.pending.enqueued", "journal.drain.before_sink", "ledger.append.before_commit",
              "ledger.append.committed", "journal.drain.after_sink", "kb.document.written", "kb.document.committed"]
    rng = random.Random(args.seed)
    hit, all_ingested, all_answered = {}, [], []
    for number in range(args.server_kills):
        point = points[number % len(points)]
        env = {"STRATA_CRASH_AT": f"{point}:{rng.randint(1, 4)}"}
        ingested, answered, killed = server_kill(life, path, env, number * 12)
        hit[point] = hit.get(point, 0) + killed
        all_ingested += ingested
        all_answered += answered
        print(f"[server {number + 1}/{args.server_kills}] {point} {'killed' if killed else 'lived'}: "
              f"{len(ingested)} documents and {len(answered)} answers acknowledged", flush=True)
    check_server(life, path, all_ingested, all_answered)
    return hit


def check_server(life, path, ingested, answered):
    serving = Serving(life, {})
    wait_indexed(serving.url, path, ingested)
    serving.stop()
    db = sqlite3.connect(f"file:{life.data}/ledger.db", uri=True)
    rows = {}
    for request, number in db.execute("SELECT request_id, call_number FROM calls"):
        rows.setdefault(request, []).append(number)
    db.close()
    for request in answered:
        numbers = sorted(rows.get(request, []))
        if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise SystemExit(f"answered request {request} has ledger rows {numbers}")
    print(f"{len(ingested)} acknowledged documents indexed, {len(answered)} answered requests in the ledger exactly once")


def points_of_sources(folder):
    names = set()
    for root, _, files in os.walk(folder):
        for name in files:
            if name.endswith(".cc"):
                with open(os.path.join(root, name), encoding="utf-8") as f:
                    names |= set(re.findall(r'CrashPoint\("([^"]+)"\)', f.read()))
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--src", help="folder of the sources: each of its crash points must be hit")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--server-kills", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.strata = os.path.abspath(args.strata)
    work = tempfile.mkdtemp(prefix="strata-kb-crash-")
    began = time.monotonic()
    try:
        hit = commands(args, work)
        served = serve(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\nkills by point:")
    for point, kills in sorted(hit.items()):
        print(f"  {point:<28} {kills}")
    for point, kills in sorted(served.items()):
        print(f"  server: {point:<28} {kills}")
    print(f"{sum(hit.values()) + sum(served.values())} kills in {time.monotonic() - began:.0f} s; seed {args.seed}")
    never = {p for p, kills in hit.items() if kills == 0} | {p for p, kills in served.items() if kills == 0}
    if args.src:
        never |= {p for p in points_of_sources(args.src) if p not in hit and not p.startswith(("journal.", "kb.names."))}
    if never:
        raise SystemExit(f"points never hit: {sorted(never)}")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Requests against providers that fail: each must be answered once, with the right error or by a successful fallback.

Two strata-fake-providers stand behind one strata: one fails as each request's text says, the other one is well. Each request asks,
in one of three dialects, streamed or in one piece, a model named directly (which is tried again) or a configured one (whose
fallback is the healthy provider). Checked for each: status, one end or one error in the dialect's form, text that is the beginning of
what one provider said. Checked at the end: one ledger row for each attempt, none of them interrupted; nothing in
flight; sockets, threads and memory as they were after the warm-up.

    fault_run.py --strata BINARY --fake BINARY [--requests N] [--full-requests N] [--threads N] [--seed N]

--full-requests is taken instead of --requests when STRATA_TEST_FULL=1. Prints a table; exits 1 when a promise was broken.
"""
import argparse
import collections
import http.client
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

KEY = "sk-strata-fault-run-0123456789abcdef"
WORDS = ["It ", "is ", "sunny ", "in ", "Lund."]
WHOLE = "".join(WORDS)
GARBAGE = "<html>busy</html>"
# What the failing provider does for a request whose text holds [NAME]. `once`: only the first time that it sees the request.
SCRIPT = {
    "500": {"status": 500},
    "503 once": {"status": 503, "once_each": True},
    "429": {"status": 429, "retry_after_s": 30},
    "429 once": {"status": 429, "once_each": True, "headers": {"retry-after-ms": "20"}},
    "timeout": {"hold_after": 0},
    "slow": {"chunks": WORDS, "delay_ms": 60, "chunk_delay_ms": 5},
    "cut at the head": {"chunks": WORDS, "cut_after": 0, "cut_body": True},
    "cut once": {"chunks": WORDS, "cut_after": 0, "cut_body": True, "once_each": True},
    "cut in the text": {"chunks": WORDS, "cut_after": 5, "cut_body": True},
    "garbage": {"garbage": GARBAGE},
    "garbage once": {"garbage": GARBAGE, "once_each": True},
    "bad request": {"status": 400, "error_message": "no such thing"},
}
FAULTS = ["none", *SCRIPT, "refused"]  # refused: nobody listens at the provider's address
# At a model named directly: what the caller must see. Everything else is a success.
DIRECT_ERRORS = {"500": "unavailable", "429": "rate", "timeout": "timeout", "cut at the head": "unavailable", "garbage": "unavailable",
                 "refused": "unavailable", "bad request": "bad"}
STATUS = {
    "openai": {"unavailable": 503, "forwarded": 500, "rate": 429, "timeout": 504, "bad": 400},
    "anthropic": {"unavailable": 529, "forwarded": 500, "rate": 429, "timeout": 504, "bad": 400},
    "bedrock": {"unavailable": 503, "forwarded": 500, "rate": 429, "timeout": 408, "bad": 400},
}
UPSTREAM = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-4-5", "bedrock": "anthropic.claude-sonnet-4-5-20250929-v1:0"}
TIMEOUT_MS = 1200  # of the requests whose provider is silent


def start(args, pattern, **more):
    process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True, **more)
    for line in process.stdout:
        if m := re.match(pattern, line):
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, m[1]
    sys.exit(f"{args[0]} did not get ready")


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    return urllib.request.urlopen(request).read()


def get(url, **headers):
    return json.loads(urllib.request.urlopen(urllib.request.Request(url, headers=headers)).read())


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def config(bad, good):
    """Three accounts at each provider, a dead address, and a configured model for each of the former."""
    accounts = [("bad", bad), ("good", good), ("dead", f"http://127.0.0.1:{closed_port()}")]
    lines = ["server: {detect_providers: false, trace_text: false}", "net: {threads: 2}", "resilience:",
             # The breaker has tests of its own; here it would answer for the provider.
             "  {breaker_faults: 1000000, breaker_percent: 100, retry_base: 20, retry_percent: 100, retries_per_second: 1000}", "providers:"]
    models = ["models:"]
    for name, url in accounts:
        lines.append(f"  - {{name: {name}-openai, kind: openai, base_url: '{url}/v1', secret: 'env:FAULT_OPENAI'}}")
        lines.append(f"  - {{name: {name}-anthropic, kind: anthropic, base_url: '{url}', secret: 'env:FAULT_ANTHROPIC'}}")
        lines.append(f"  - {{name: {name}-bedrock, kind: bedrock, base_url: '{url}', region: eu-central-1}}")
    for name in ("bad", "dead"):
        for i, kind in enumerate(UPSTREAM):
            other = list(UPSTREAM)[(i + 1) % 3]  # the fallback speaks another dialect
            for limited in ("", "-limited"):
                models.append(f"  - {{id: {name}-{kind}{limited}-pool, deployments: ['{name}-{kind}/{UPSTREAM[kind]}{limited}'], "
                              f"fallback: ['good-{other}/{UPSTREAM[other]}']}}")
    return "\n".join(lines + models) + "\n"


class Case:
    def __init__(self, number, fault, face, kind, pool, streamed):
        self.number, self.fault, self.face, self.kind, self.pool, self.streamed = number, fault, face, kind, pool, streamed

    def model(self):
        account = "dead" if self.fault == "refused" else "bad"
        # A throttled deployment is spared for a while, so the other faults have another one.
        limited = "-limited" if self.fault.startswith("429") else ""
        return f"{account}-{self.kind}{limited}-pool" if self.pool else f"{account}-{self.kind}/{UPSTREAM[self.kind]}{limited}"

    def expected(self):
        """("ok" or the kind of error, whether some text comes before it)"""
        if self.fault == "cut in the text" and self.streamed:
            return "broken", True
        if self.fault == "cut in the text" and not self.pool:
            return "unavailable", False  # a body cut in its middle, each time
        if self.fault == "bad request":
            return "bad", False
        if self.pool:
            return "ok", False
        if self.fault == "500" and self.face == self.kind:
            return "forwarded", False  # what a provider of the caller's dialect says, it says to the caller
        return DIRECT_ERRORS.get(self.fault, "ok"), False

    def send(self, connection):
        text = f"[{self.fault}] number {self.number}"
        headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}", "connection": "keep-alive"}
        if self.fault == "timeout":
            headers["x-strata-timeout-ms"] = str(TIMEOUT_MS)
        message = {"role": "user", "content": text}
        if self.face == "openai":
            path, body = "/v1/chat/completions", {"model": self.model(), "messages": [message], "stream": self.streamed}
        elif self.face == "anthropic":
            path = "/v1/messages"
            body = {"model": self.model(), "messages": [message], "stream": self.streamed, "max_tokens": 100}
            headers["anthropic-version"] = "2023-06-01"
        else:
            path = f"/model/{urllib.parse.quote(self.model(), safe='')}/converse{'-stream' if self.streamed else ''}"
            body = {"messages": [{"role": "user", "content": [{"text": text}]}]}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read()


def sse(body):
    for block in body.decode().split("\n\n"):
        data = [line[6:] for line in block.split("\n") if line.startswith("data: ")]
        if data:
            yield "\n".join(data)


def event_stream(body):
    """(kind, name, payload) of each AWS event stream frame; headers that are strings only."""
    at = 0
    while at < len(body):
        total, header_bytes = int.from_bytes(body[at:at + 4], "big"), int.from_bytes(body[at + 4:at + 8], "big")
        headers, p = {}, at + 12
        while p < at + 12 + header_bytes:
            n = body[p]
            name = body[p + 1:p + 1 + n].decode()
            p += 2 + n
            size = int.from_bytes(body[p:p + 2], "big")
            headers[name] = body[p + 2:p + 2 + size].decode()
            p += 2 + size
        payload = body[at + 12 + header_bytes:at + total - 4]
        kind = headers.get(":message-type")
        yield kind, headers.get(":event-type" if kind == "event" else ":exception-type"), json.loads(payload)
        at += total


def read_stream(face, body):
    """(text, clean ends, errors) of a streamed answer."""
    text, ends, errors = "", 0, 0
    if face == "bedrock":
        for kind, name, payload in event_stream(body):
            errors += kind == "exception"
            ends += name == "messageStop"
            if name == "contentBlockDelta":
                text += payload["delta"].get("text", "")
        return text, ends, errors
    for data in sse(body):
        if data == "[DONE]":
            ends += 1
            continue
        event = json.loads(data)
        if "error" in event:
            errors += 1
        elif face == "anthropic":
            ends += event["type"] == "message_stop"
            text += event.get("delta", {}).get("text", "") if event["type"] == "content_block_delta" else ""
        else:
            text += "".join(c["delta"].get("content") or "" for c in event["choices"])
    return text, ends, errors


def read_whole(face, body):
    answer = json.loads(body)
    if face == "openai":
        return answer["choices"][0]["message"]["content"]
    blocks = answer["content"] if face == "anthropic" else answer["output"]["message"]["content"]
    return "".join(b.get("text", "") for b in blocks)


def judge(case, status, headers, body):
    """None, or what is wrong with the answer."""
    want, partial = case.expected()
    if want in ("ok", "broken"):
        if status != 200:
            return f"status {status}: {body[:200]!r}"
        text, ends, errors = read_stream(case.face, body) if case.streamed else (read_whole(case.face, body), 1, 0)
        whole = (WHOLE, f"You said: [{case.fault}] number {case.number}")
        if want == "ok":
            return None if ends == 1 and errors == 0 and text in whole else f"{ends} ends, {errors} errors, text {text!r}"
        good = ends == 0 and errors == 1 and text and WHOLE.startswith(text)
        return None if good else f"broken off: {ends} ends, {errors} errors, text {text!r}"
    if status != STATUS[case.face][want]:
        return f"status {status} where {STATUS[case.face][want]} was due: {body[:200]!r}"
    if want == "rate" and headers.get("retry-after") != "30":
        return f"retry-after {headers.get('retry-after')!r} where 30 was due"
    json.loads(body)
    return None


class Run:
    def __init__(self, args, make_config=config, script=None):
        self.args, self.make_config = args, make_config
        self.script = script if script is not None else [dict(answer, match={"contains": f"[{name}]"}, times=0) for name, answer in SCRIPT.items()]
        self.folder = tempfile.mkdtemp(prefix="strata-faults-")
        self.processes = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        bad, self.bad = start([self.args.fake, "--listen", "127.0.0.1:0"], r"ready (\S+)")
        good, self.good = start([self.args.fake, "--listen", "127.0.0.1:0"], r"ready (\S+)")
        self.processes += [bad, good]
        post(self.bad + "/_script", {"reset": True, "answers": self.script})
        file = os.path.join(self.folder, "strata.yaml")
        with open(file, "w", encoding="utf-8") as f:
            f.write(self.make_config(self.bad, self.good))
        self.data = os.path.join(self.folder, "data")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OPENAI_", "ANTHROPIC_", "AZURE_"))}
        env.update(FAULT_OPENAI="sk-fake-openai", FAULT_ANTHROPIC="sk-ant-fake", AWS_ACCESS_KEY_ID="AKIAFAKEFAKEFAKEFAKE",
                   AWS_SECRET_ACCESS_KEY="fake-secret-access-key")
        strata, self.url = start([self.args.strata, "serve", "--data", self.data, "--config", file, "--listen", "127.0.0.1:0",
                                  "--tls-listen", ""], r"ready (\S+)", env=env, stderr=subprocess.DEVNULL)
        self.processes.append(strata)
        self.pid = strata.pid
        self.env = env
        self.command("key", "create", "--role", "admin", "--bearer", KEY)
        return self

    def command(self, *args):
        return subprocess.run([self.args.strata, "--data", self.data, *args], check=True, capture_output=True, text=True, env=self.env).stdout

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(40)
        shutil.rmtree(self.folder, ignore_errors=True)

    def usage(self):
        """(sockets, threads, KiB of memory of its own) of the server; pages of mapped files are the kernel's to keep."""
        sockets = 0
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                sockets += os.readlink(f"/proc/{self.pid}/fd/{fd}").startswith("socket:")
            except OSError:
                pass
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            status = f.read()
        return sockets, int(re.search(r"Threads:\s+(\d+)", status)[1]), int(re.search(r"RssAnon:\s+(\d+)", status)[1])

    def drive(self, cases, judged=None):
        """Answers every case once, from several threads; (case, problem) of those that were answered wrongly."""
        wrong, lock, queue = [], threading.Lock(), collections.deque(cases)
        judged = judged or judge

        def work():
            host = self.url.removeprefix("http://")
            connection = http.client.HTTPConnection(host, timeout=60)
            while True:
                with lock:
                    if not queue:
                        connection.close()
                        return
                    case = queue.popleft()
                try:
                    problem = judged(case, *case.send(connection))
                except Exception as e:  # a hang, a broken frame, an answer that is no JSON: the case's failure, not the run's
                    problem = f"{type(e).__name__}: {e}"
                    connection.close()
                if problem:
                    with lock:
                        wrong.append((case, problem))
        threads = [threading.Thread(target=work) for _ in range(self.args.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return wrong

    def deployments(self):
        return get(self.url + "/strata/v1/deployments", authorization=f"Bearer {KEY}")["deployments"]

    def ledger(self):
        """{status: rows}; waits until the journal has been drained."""
        seen = None
        while True:
            time.sleep(1)
            with sqlite3.connect(f"file:{self.data}/ledger.db?mode=ro", uri=True) as db:
                rows = dict(db.execute(LEDGER_QUERY).fetchall())
            if rows == seen:
                return rows
            seen = rows


LEDGER_QUERY = "SELECT status, count(*) FROM calls GROUP BY status"


def make_cases(count, rng):
    cases = []
    for number in range(count):
        fault = FAULTS[number % len(FAULTS)]
        cases.append(Case(number, fault, rng.choice(list(UPSTREAM)), rng.choice(list(UPSTREAM)), rng.random() < 0.5, rng.random() < 0.5))
    rng.shuffle(cases)
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--full-requests", type=int, default=0)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    count = args.full_requests if args.full_requests and os.environ.get("STRATA_TEST_FULL") == "1" else args.requests
    rng = random.Random(args.seed)
    with Run(args) as run:
        warm = run.drive(make_cases(max(150, count // 10), rng))
        before = run.usage()
        rows = sum(run.ledger().values())
        attempts = sum(d["attempts"] for d in run.deployments())
        cases = make_cases(count, rng)
        for case in cases:
            case.number += 1_000_000  # a request that the warm-up did not send
        started = time.monotonic()
        wrong = run.drive(cases)
        took = time.monotonic() - started
        time.sleep(1)
        after = run.usage()
        statuses = run.ledger()
        ok = report(run, args, cases, wrong, warm, took, before, after, attempts, statuses, sum(statuses.values()) - rows)
    sys.exit(0 if ok else 1)


def report(run, args, cases, wrong, warm, took, before, after, attempts_before, statuses, rows):
    bad_of = collections.Counter(case.fault for case, _ in wrong)
    print(f"{'fault':<18} {'requests':>9} {'answered':>9} {'errors due':>11} {'wrong':>6}")
    for fault in FAULTS:
        of = [case for case in cases if case.fault == fault]
        errors = sum(case.expected()[0] != "ok" for case in of)
        print(f"{fault:<18} {len(of):>9} {len(of) - errors:>9} {errors:>11} {bad_of[fault]:>6}")
    for case, problem in (wrong + warm)[:10]:
        print(f"WRONG [{case.fault}] {case.face} → {case.model()} {'streamed' if case.streamed else 'whole'}: {problem}")
    reports = run.deployments()
    in_flight = sum(d["in_flight"] for d in reports)
    attempts = sum(d["attempts"] for d in reports) - attempts_before
    promises = {
        "every request answered rightly": not wrong and not warm,
        "nothing in flight": in_flight == 0,
        "one ledger row an attempt": rows == attempts,
        "no row interrupted": statuses.get("interrupted", 0) == 0,
        "provider list shows them": "bad-openai/gpt-4o-mini" in run.command("provider", "list"),
        "sockets as before": after[0] <= before[0] + args.threads,
        "threads as before": after[1] <= before[1],
        "memory as before": after[2] <= before[2] + 16 * 1024,
    }
    print(f"{len(cases)} requests in {took:.1f} s, {attempts} attempts, {rows} ledger rows; with the warm-up by status {statuses}")
    print(f"sockets {before[0]} → {after[0]}, threads {before[1]} → {after[1]}, memory {before[2] / 1024:.1f} → {after[2] / 1024:.1f} MiB")
    for what, held in promises.items():
        print(f"{'ok  ' if held else 'FAIL'} {what}")
    return all(promises.values())


if __name__ == "__main__":
    main()

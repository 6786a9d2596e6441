#!/usr/bin/env python3
"""Requests to providers behind a network that fails: fault_run's promises, where connections are hurt instead of answers.

One strata-fake-provider is asked through tests/fakes/fault_proxy.py, which resets, cuts, half closes, delays and trickles most
connections; the other one, the fallback of the configured models, is asked directly. Where no token has left, a configured model
must answer; a model named directly may also say that its provider is unavailable; a stream that has begun is whole, or ends with
an error. At the end: one ledger row an attempt, none interrupted; nothing in flight; sockets, threads and memory as before.

    network.py --strata BINARY --fake BINARY [--requests N] [--full-requests N] [--threads N] [--seed N]
"""
import argparse
import collections
import os
import random
import sys
import time

import fault_run
from fault_run import Run, get, judge, read_stream, start

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fakes", "fault_proxy.py")
KINDS = list(fault_run.UPSTREAM)


class Case(fault_run.Case):
    def __init__(self, number, rng):
        super().__init__(number, "none", rng.choice(KINDS), rng.choice(KINDS), rng.random() < 0.5, rng.random() < 0.5)

    def judge(self, status, headers, body):
        """(what became of it, None or what is wrong with it)"""
        if status != 200:
            due = {fault_run.STATUS[self.face]["unavailable"]}
            problem = None if not self.pool and status in due else f"status {status}: {body[:200]!r}"
            return "error", problem
        if not self.streamed:
            return "answer", judge(self, status, headers, body)
        text, ends, errors = read_stream(self.face, body)
        if ends == 1:
            return "answer", judge(self, status, headers, body)
        said = f"You said: [none] number {self.number}"
        good = ends == 0 and errors == 1 and said.startswith(text)
        return "broken off", None if good else f"{ends} ends, {errors} errors, text {text!r}"


class NetworkRun(Run):
    def __init__(self, args):
        super().__init__(args, self.proxied, script=[])
        self.toxic = None

    def proxied(self, bad, good):
        upstream = bad.removeprefix("http://")
        proxy, self.toxic = start([sys.executable, PROXY, "--upstream", upstream, "--seed", str(self.args.seed)], r"ready (\S+)")
        self.processes.append(proxy)
        # Most requests have a connection of their own, or few would be hurt.
        text = fault_run.config(self.toxic, good)
        return text.replace("net: {threads: 2}", "net: {threads: 2, client: {idle_connections_max: 1}}")

    def judged(self, cases):
        """How many became what; (case, problem) of those that were answered wrongly."""
        became = collections.Counter()

        def judge_case(case, status, headers, body):
            what, problem = case.judge(status, headers, body)
            became[what] += 1
            return problem
        wrong = self.drive(cases, judge_case)
        return became, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--full-requests", type=int, default=0)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    count = args.full_requests if args.full_requests and os.environ.get("STRATA_TEST_FULL") == "1" else args.requests
    rng = random.Random(args.seed)
    with NetworkRun(args) as run:
        _, warm = run.judged([Case(number, rng) for number in range(max(150, count // 10))])
        before = run.usage()
        rows, attempts = sum(run.ledger().values()), sum(d["attempts"] for d in run.deployments())
        started = time.monotonic()
        became, wrong = run.judged([Case(1_000_000 + number, rng) for number in range(count)])
        took = time.monotonic() - started
        time.sleep(1)
        after, statuses, reports = run.usage(), run.ledger(), run.deployments()
        rows, attempts = sum(statuses.values()) - rows, sum(d["attempts"] for d in reports) - attempts
        toxics = get(run.toxic + "/_toxics")
    for case, problem in (wrong + warm)[:10]:
        print(f"WRONG {case.face} → {case.model()} {'streamed' if case.streamed else 'whole'}: {problem}")
    promises = {
        "every request answered rightly": not wrong and not warm and sum(became.values()) == count,
        "every harm was done": all(toxics.values()),
        "nothing in flight": all(d["in_flight"] == 0 for d in reports),
        "one ledger row an attempt": rows == attempts,
        "no row interrupted": statuses.get("interrupted", 0) == 0,
        "sockets as before": after[0] <= before[0] + args.threads,
        "threads as before": after[1] <= before[1],
        "memory as before": after[2] <= before[2] + 16 * 1024,
    }
    print(f"{count} requests in {took:.1f} s became {dict(became)}; {attempts} attempts, {rows} ledger rows; connections {toxics}")
    print(f"sockets {before[0]} → {after[0]}, threads {before[1]} → {after[1]}, memory {before[2] / 1024:.1f} → {after[2] / 1024:.1f} MiB")
    for what, held in promises.items():
        print(f"{'ok  ' if held else 'FAIL'} {what}")
    sys.exit(0 if all(promises.values()) else 1)


if __name__ == "__main__":
    main()

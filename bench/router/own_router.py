"""From questions with known answers to a certified router, by commands alone: what docs/routers.md describes, run whole.

    python3 bench/router/own_router.py --strata build/release/strata --fake build/release/tests/fakes/strata-fake-provider

Two scripted upstreams play a strong model, which is right but for one question in fifty, and a cheap one, which is as good at sums and
right on a third of the puzzles. strata does not know which is which. The questions become an evaluation set, both models answer it, the judged
answers are exported as rows, a router is learned and certified from them, and fresh questions go through it. Exits with 1 when the router
moves nothing, or loses more than it was allowed to beyond chance.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from demo import start_strata

STRONG, CHEAP = "up0/strong", "up1/cheap"
PRICES = {STRONG: (10.0, 30.0), CHEAP: (0.5, 1.5)}  # USD per million tokens
TOLERANCE = 0.05
THINGS = ["apples", "bolts", "tickets", "crates", "lamps", "stamps", "bricks", "ropes", "jars", "coins"]
NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ida", "Jon"]


def easy(rng):
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    what = rng.choice(THINGS)
    return f"What is the sum of {a} {what} and {b} {what}?", a + b


def hard(rng):
    a, b, c = rng.randint(3, 40), rng.randint(2, 9), rng.randint(2, 9)
    who, other, what = rng.choice(NAMES), rng.choice(NAMES), rng.choice(THINGS)
    return (f"In a warehouse puzzle {who} keeps {a} {what}; every night the stock grows by a factor of {b}, after which {other} "
            f"secretly removes {c} of them. Deduce how many {what} remain once two nights have passed.", (a * b - c) * b - c)


def questions(rng, numbers):
    rows = []
    for number in numbers:
        kind = "puzzle" if rng.random() < 0.4 else "sum"
        text, answer = (hard if kind == "puzzle" else easy)(rng)
        right = {STRONG: rng.random() < 0.98, CHEAP: rng.random() < (0.33 if kind == "puzzle" else 0.98)}
        rows.append({"id": str(number), "question": f"{text} (case {number}.)", "expected": str(answer), "tags": kind, "right": right})
    return rows


def start_fake(binary, rows, model, folder):
    """Answers by the case's number, with more tokens for puzzles."""
    script = os.path.join(folder, model.replace("/", "-") + ".json")
    answers = []
    for row in rows:
        value = int(row["expected"]) + (0 if row["right"][model] else 7)
        answers.append({"match": {"contains": f"(case {row['id']}.)"}, "text": f"The answer is {value}", "times": 0,
                        "input_tokens": 40, "output_tokens": 200 if row["tags"] == "puzzle" else 40})
    with open(script, "w", encoding="utf-8") as f:
        json.dump({"answers": answers}, f)
    process = subprocess.Popen([binary, "--script", script], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[1]


def ask(url, key, row):
    body = {"model": "router/own", "messages": [{"role": "user", "content": row["question"]}]}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"authorization": "Bearer " + key, "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.headers["x-strata-model"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strata", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--fresh", type=int, default=400)
    args = parser.parse_args()
    rng = random.Random(5)
    numbers = rng.sample(range(100_000, 1_000_000), args.rows + args.fresh)
    known, fresh = questions(rng, numbers[:args.rows]), questions(rng, numbers[args.rows:])
    folder = tempfile.mkdtemp(prefix="strata-own-router-")
    processes = []
    try:
        config = os.path.join(folder, "strata.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write('server: {detect_providers: false, tls_listen: "", listen: "127.0.0.1:0"}\nproviders:\n')
            for model in (STRONG, CHEAP):
                process, url = start_fake(args.fake, known + fresh, model, folder)
                processes.append(process)
                provider, name = model.split("/")
                f.write(f'  - {{name: {provider}, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_KEY", models: [{name}]}}\n')
        data = os.path.join(folder, "data")
        strata, url, key = start_strata(args, data, config)
        processes.append(strata)

        def run(*command, code=0):
            print("$ strata " + " ".join(command))
            done = subprocess.run([args.strata, "--data", data, *command], capture_output=True, text=True)
            print(done.stdout + done.stderr)
            if done.returncode != code:
                raise SystemExit(f"exit {done.returncode}, {code} was expected")
            return done.stdout

        path = lambda name: os.path.join(folder, name)
        with open(path("questions.jsonl"), "w", encoding="utf-8") as f:
            f.writelines(json.dumps({k: v for k, v in row.items() if k != "right"}) + "\n" for row in known)
        run("eval", "set", "import", "own", path("questions.jsonl"))
        done = run("eval", "run", "own", "--targets", f"{STRONG},{CHEAP}", "--judges", "numeric,exact", "--at-once", "8")
        number = re.search(r"run (\S+) over own:1: done", done)[1]
        run("eval", "export", number, "--out", path("rows.jsonl"), *(
            flag for model, (i, o) in PRICES.items() for flag in ("--price", f"{model}={i}/{o}")))
        run("route", "train", "--rows", path("rows.jsonl"), "--pair", f"{STRONG},{CHEAP}", "--out", path("learned"))
        with open(path("own.yaml"), "w", encoding="utf-8") as f:
            f.write(f"candidates: [{STRONG}, {CHEAP}]\nfallback: {STRONG}\ntolerance: {TOLERANCE}\n")
        run("route", "create", "own", path("own.yaml"), "--learned", path("learned"))
        # The same rows give the same router, and nothing beats itself.
        if "not promoted" not in run("route", "refit", "own", "--rows", path("rows.jsonl"), code=1):
            raise SystemExit("a router was promoted over itself, or not judged")
        run("route", "explain", "own", fresh[0]["question"])

        with ThreadPoolExecutor(8) as pool:
            models = list(pool.map(lambda row: ask(url, key, row), fresh))
        run("route", "status", "own")
        cost = lambda row, model: (40 * PRICES[model][0] + (200 if row["tags"] == "puzzle" else 40) * PRICES[model][1]) / 1e6
        quality = sum(row["right"][model] for row, model in zip(fresh, models)) / len(fresh)
        strong = sum(row["right"][STRONG] for row in fresh) / len(fresh)
        spent, always = sum(map(cost, fresh, models)), sum(cost(row, STRONG) for row in fresh)
        moved = sum(model == CHEAP for model in models) / len(fresh)
        moved_puzzles = sum(model == CHEAP for row, model in zip(fresh, models) if row["tags"] == "puzzle")
        print(f"{len(fresh)} fresh questions: {moved:.1%} moved to the cheap model ({moved_puzzles} of them puzzles), quality {quality:.3f} "
              f"of {strong:.3f} always-strong, ratio {quality / strong:.3f}, saving {1 - spent / always:.1%}")
        if moved == 0 or quality / strong < 1 - TOLERANCE - 0.03:
            raise SystemExit(1)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

"""A thousand labelled requests through a router: what it saved, from the ledger, and what it was worth, from the rows.

    python3 bench/router/demo.py --strata build/release/strata --fake build/release/tests/fakes/strata-fake-provider --rows DIR

DIR holds zeroeval-math-l5.jsonl.gz and zeroeval-numersense-v2.jsonl.gz. Three scripted upstreams give the answers that three real models gave, with their
tokens; strata does not know the rows. 216 rows are learned from (and give the cascade its plan), the other 1,000 are asked; three more go to the language
model of the process by a rule. Prices are those of the rows' table, given in the configuration, as the catalog knows none of a scripted upstream.
"""
import argparse
import csv
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor

MODELS = ["gpt-4o-2024-05-13", "gpt-4o-mini-2024-07-18", "gemini-1.5-flash"]
FILES = ["zeroeval-math-l5.jsonl.gz", "zeroeval-numersense-v2.jsonl.gz"]
LOCAL = "builtin/smollm2-135m-instruct"
LEARNED_ROWS = 216
PRICES_AS_OF = "2026-11-01"  # the month of the rows' table


def read_rows(folder):
    rows = []
    for name in FILES:
        with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8") as f:
            rows += [json.loads(line) for line in f]
    rows = [r for r in rows if all(m in r["outcomes"] for m in MODELS)]
    random.Random(7).shuffle(rows)
    return rows[:LEARNED_ROWS], rows[LEARNED_ROWS:LEARNED_ROWS + 1000]


def answer_of(row, model):
    outcome = row["outcomes"][model]
    return {"match": {"contains": row["id"]},
            "text": "The answer is " + str(outcome.get("answer", "")),
            "input_tokens": int(outcome["input_tokens"]), "output_tokens": int(outcome["output_tokens"]), "times": 0}


def start_fake(binary, answers, folder, name):
    script = os.path.join(folder, name + ".json")
    with open(script, "w", encoding="utf-8") as f:
        json.dump({"answers": answers}, f)
    process = subprocess.Popen([binary, "--script", script], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[1]


def write_config(path, urls, prices):
    with open(path, "w", encoding="utf-8") as f:
        f.write("server: {detect_providers: false, tls_listen: \"\", listen: \"127.0.0.1:0\"}\nproviders:\n")
        for number, (model, url) in enumerate(urls.items()):
            price = f"{{input: {prices[model]['input']}, output: {prices[model]['output']}, as_of: {PRICES_AS_OF}}}"
            f.write(f"  - {{name: up{number}, kind: openai, base_url: \"{url}/v1\", secret: \"env:FAKE_KEY\", "
                    f"models: [{{id: {model}, price: {price}}}]}}\n")


def start_strata(args, data, config):
    env = dict(os.environ, FAKE_KEY="sk-fake-openai")
    process = subprocess.Popen([args.strata, "--data", data, "--config", config, "serve"], stdout=subprocess.PIPE,
                               stderr=open(data + ".log", "w", encoding="utf-8"), text=True, env=env)
    key = None
    for line in process.stdout:
        if m := re.search(r"(sk-strata-\S+)", line):
            key = key or m[1]
        if m := re.match(r"ready (\S+)", line):
            return process, m[1], key
    raise SystemExit(open(data + ".log", encoding="utf-8").read())


def ask(url, key, model, text, user):
    body = {"model": model, "messages": [{"role": "user", "content": text}], "user": user, "max_tokens": 2000}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"authorization": "Bearer " + key, "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply), reply.headers


def definition(models):
    return json.dumps({
        "description": "numbers: two cheap models agree, or the strong one is asked",
        "candidates": [{"model": id, "learned_as": name} for name, id in models.items()] + [LOCAL],
        "fallback": models[MODELS[0]], "tolerance": 0.03,
        "rules": [{"name": "small talk stays here", "when": {"keyword": "good morning"}, "use": LOCAL}],
        "cascade": {"ask": [models[MODELS[1]], models[MODELS[2]]]}})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strata", required=True)
    parser.add_argument("--fake", required=True)
    parser.add_argument("--rows", required=True)
    args = parser.parse_args()
    labelled, requests = read_rows(args.rows)
    with open(os.path.join(args.rows, "models.json"), encoding="utf-8") as f:
        table = json.load(f)
    prices = {m: {"input": table[m]["price_in_per_m"], "output": table[m]["price_out_per_m"]} for m in MODELS}

    folder = tempfile.mkdtemp(prefix="strata-router-demo-")
    processes = []
    try:
        urls = {}
        for model in MODELS:
            process, urls[model] = start_fake(args.fake, [answer_of(r, model) for r in requests], folder, model)
            processes.append(process)
        data, config = os.path.join(folder, "data"), os.path.join(folder, "strata.yaml")
        write_config(config, urls, prices)
        strata, url, key = start_strata(args, data, config)
        processes.append(strata)
        run = lambda *a: subprocess.run([args.strata, "--data", data, *a], capture_output=True, text=True, check=True).stdout

        rows_file, learned = os.path.join(folder, "rows.jsonl"), os.path.join(folder, "learned")
        with open(rows_file, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(dict(r, split="train")) + "\n" for r in labelled)
        print(run("route", "train", "--rows", rows_file, "--models", ",".join(MODELS), "--out", learned))
        ids = {m: f"up{n}/{m}" for n, m in enumerate(MODELS)}
        router_file = os.path.join(folder, "numbers.json")
        with open(router_file, "w", encoding="utf-8") as f:
            f.write(definition(ids))
        print(run("route", "create", "numbers", router_file, "--learned", learned))

        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda r: ask(url, key, "router/numbers", r["prompt"], r["id"]), requests))
        for n in range(3):
            ask(url, key, "router/numbers", f"Good morning, number {n}!", "")

        by_model, quality, strong = {}, 0.0, 0.0
        for row, (body, headers) in zip(requests, replies):
            model = headers["x-strata-model"].split("/", 1)[1]
            by_model[model] = by_model.get(model, 0) + 1
            quality += row["outcomes"][model]["quality"]
            strong += row["outcomes"][MODELS[0]]["quality"]
        print("answered by", by_model)
        print(f"quality {quality / len(requests):.4f}, of always-strong {strong / len(requests):.4f}, "
              f"ratio {quality / strong:.4f}\n")
        print(run("cost", "--by", "model"))
        spent = sum(float(line["cost_usd"]) for line in csv.DictReader(run("cost", "--by", "model", "--csv").splitlines()))
        always = sum((r["outcomes"][MODELS[0]]["input_tokens"] * prices[MODELS[0]]["input"] +
                      r["outcomes"][MODELS[0]]["output_tokens"] * prices[MODELS[0]]["output"]) / 1e6 for r in requests)
        print(run("cost", "--by", "router"))
        print(f"spent {spent:.4f} USD for every call of the ledger; the strong model's own answers would have cost {always:.4f}, "
              f"saving {1 - spent / always:.1%}\n")
        print(run("route", "explain", "numbers", requests[0]["prompt"]))
        print(run("trace", replies[0][1]["x-strata-trace-id"]))
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

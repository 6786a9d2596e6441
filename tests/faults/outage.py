#!/usr/bin/env python3
"""What an outage, a refused key and a forbidden region look like from outside: breaker, Retry-After, health listing, recovery.

    outage.py --strata BINARY --fake BINARY
"""
import argparse
import http.client
import json
import sys
import time

from fault_run import KEY, Run, get, post

QUESTION = "How is the weather?"


def config(bad, good):
    return f"""server: {{detect_providers: false}}
net: {{threads: 2}}
resilience: {{breaker_open: 1000, retry_base: 5}}
providers:
  - {{name: bad, kind: openai, base_url: '{bad}/v1', secret: 'env:FAULT_OPENAI', data_region: us-east, retention: 30d}}
  - {{name: good, kind: anthropic, base_url: '{good}', secret: 'env:FAULT_ANTHROPIC', data_region: eu-central, retention: none}}
models:
  - {{id: chat, deployments: [bad/m], fallback: [good/claude-sonnet-4-5]}}
  - {{id: fast, deployments: [{{model: bad/slow, weight: 1000}}, good/claude-haiku-4-5], hedge_ms: 50}}
"""


def ask(run, model, **headers):
    """(status, headers, body) of one question."""
    connection = http.client.HTTPConnection(run.url.removeprefix("http://"), timeout=30)
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body),
                       {"content-type": "application/json", "authorization": f"Bearer {KEY}",
                        **{k.replace("_", "-"): v for k, v in headers.items()}})
    response = connection.getresponse()
    answer = response.status, dict((k.lower(), v) for k, v in response.getheaders()), json.loads(response.read())
    connection.close()
    return answer


def check(what, held, seen=""):
    print(f"{'ok  ' if held else 'FAIL'} {what}{'' if held else f': {seen}'}")
    return held


def outage(run):
    post(run.bad + "/_script", {"reset": True, "answers": [{"status": 500, "times": 0}]})
    statuses = [ask(run, "bad/m")[0] for _ in range(8)]
    asked = len(get(run.bad + "/_requests")["requests"])
    # The provider's own 500 while it is asked, then ours.
    yield check("an outage is an error each time", statuses == sorted(statuses) and set(statuses) == {500, 503}, statuses)
    # Four requests with two repetitions each, and the first attempt of the fifth, which opens it.
    yield check("the fifth request that fails opens the breaker", statuses[5:] == [503] * 3, statuses)
    yield check("the breaker keeps it from the provider", asked <= 4 * 3 + 1, asked)
    status, headers, body = ask(run, "bad/m")
    yield check("its Retry-After is passed on", status == 503 and int(headers["retry-after-ms"]) <= 1000, (status, headers, body))
    yield check("provider list says why", "not asked for" in (listed := run.command("provider", "list")) and "server_error" in listed, listed)
    status, headers, body = ask(run, "chat")
    yield check("the fallback answers meanwhile", status == 200, body)
    time.sleep(0.5)  # traces are written behind the answer
    trace = run.command("trace", headers["x-strata-trace-id"]) if "x-strata-trace-id" in headers else ""
    yield check("the trace shows the attempt and why", "gateway.attempt" in trace and "fallback" in trace, (headers, trace))
    post(run.bad + "/_script", {"reset": True, "answers": []})
    time.sleep(1.2)
    yield check("it is asked again when it is well", ask(run, "bad/m")[0] == 200)


def refused_key(run):
    post(run.bad + "/_script", {"reset": True, "keys": {"openai": "sk-another"}, "answers": []})
    first = ask(run, "bad/m")
    second = ask(run, "bad/m")
    yield check("a refused key is told and then not tried", first[0] == 403 and second[0] == 503, (first, second))
    yield check("it is asked once", len(get(run.bad + "/_requests")["requests"]) == 1)
    yield check("provider list says so", "refuses our key" in (listed := run.command("provider", "list")), listed)
    yield check("the fallback answers", ask(run, "chat")[0] == 200)
    post(run.bad + "/_script", {"reset": True, "keys": {"openai": "sk-fake-openai"}, "answers": []})


def constraints(run):
    status, _, body = ask(run, "bad/other", x_strata_regions="eu-central")
    yield check("a region forbids a deployment by name", status == 403 and "bad/other runs in us-east" in body["error"]["message"], body)
    yield check("a pool skips what is forbidden", ask(run, "chat", x_strata_retention="none")[0] == 200)
    status, _, body = ask(run, "chat", x_strata_labels="pii")
    message = body["error"]["message"]
    yield check("an error names each deployment with its reason",
                status == 403 and "forbids bad/m" in message and "forbids good/claude-sonnet-4-5" in message, body)
    status, _, body = ask(run, "chat", x_strata_timeout_ms="soon")
    yield check("a header that cannot be read is refused by name", status == 400 and "x-strata-timeout-ms" in json.dumps(body), body)


def hedge(run):
    post(run.bad + "/_script", {"reset": True, "answers": [{"hold_after": 0, "times": 0}]})
    started = time.monotonic()
    status, _, body = ask(run, "fast")
    yield check("a slow deployment is overtaken", status == 200 and time.monotonic() - started < 10, body)
    deadline = time.monotonic() + 5
    while not (gone := [r["client_gone"] for r in get(run.bad + "/_requests")["requests"]])[-1:] == [True] and time.monotonic() < deadline:
        time.sleep(0.05)
    yield check("the loser is cancelled", gone[-1:] == [True], gone)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strata", required=True)
    parser.add_argument("--fake", required=True)
    args = parser.parse_args()
    args.threads = 1
    held = []
    with Run(args, config, script=[]) as run:
        for part in (outage, constraints, hedge, refused_key):
            held += list(part(run))
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()

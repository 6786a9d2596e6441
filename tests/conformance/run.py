"""Every client dialect × every provider × every aspect, streamed and not: what the upstream saw, and what the client got.

Reads cases/*.case (README.md describes them), runs each against one strata in front of one scripted upstream, and prints a matrix.
A cell without a rule must pass everything through unchanged; a rule states what differs there, and that is what is asserted.
"""
import copy
import glob
import http.client
import json
import os
import re
import sys
import time
import traceback
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "clients")]
import harness  # noqa: E402
import wires  # noqa: E402

# Each call is one attempt, and a deployment that fails is asked again at once (after BREAKER_OPEN).
CONFIG = """
resilience: {{retries: 0, breaker_faults: 1000000, breaker_percent: 100, breaker_open: 10, breaker_open_max: 10}}
providers:
  - {{name: up-openai, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_OPENAI_KEY", responses: true}}
  - {{name: up-compatible, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_OPENAI_KEY"}}
  - {{name: up-azure, kind: azure, base_url: "{url}", secret: "env:FAKE_AZURE_KEY"}}
  - {{name: up-anthropic, kind: anthropic, base_url: "{url}", secret: "env:FAKE_ANTHROPIC_KEY"}}
  - {{name: up-bedrock, kind: bedrock, base_url: "{url}", region: eu-central-1}}
  - {{name: up-gemini, kind: gemini, base_url: "{url}", secret: "env:FAKE_GEMINI_KEY"}}
  - {{name: up-cohere, kind: cohere, base_url: "{url}", secret: "env:FAKE_COHERE_KEY"}}
  - {{name: up-vertex, kind: vertex, base_url: "{url}", region: us-central1, project: p, secret: "env:FAKE_GOOGLE_TOKEN"}}
"""
SECRETS = {"FAKE_OPENAI_KEY": "sk-fake-openai", "FAKE_AZURE_KEY": "fake-azure-key", "FAKE_ANTHROPIC_KEY": "sk-ant-fake",
           "FAKE_GEMINI_KEY": "fake-gemini-key", "FAKE_GOOGLE_TOKEN": "fake-google-token", "FAKE_COHERE_KEY": "fake-cohere-key",
           "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY": "fake-secret-access-key"}
CLIENTS = {"openai": wires.OpenAi(), "anthropic": wires.Anthropic(), "converse": wires.Converse(), "invoke": wires.Invoke(),
           "gemini": wires.Gemini(), "responses": wires.Responses()}
# A new provider is one line here: the model that is asked for, and the format that its upstream is sent.
PROVIDERS = {
    "openai": ("up-openai/gpt-4o-mini", wires.OpenAi()),
    "compatible": ("up-compatible/gpt-4o-mini", wires.OpenAi()),  # knows chat completions only
    "azure": ("up-azure/gpt-4o-mini", wires.OpenAi()),
    "anthropic": ("up-anthropic/claude-sonnet-4-5", wires.Anthropic()),
    "bedrock": ("up-bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", wires.Converse()),
    "gemini": ("up-gemini/gemini-2.5-flash", wires.Gemini()),
    "vertex": ("up-vertex/gemini-2.5-flash", wires.Gemini()),
    "vertex-claude": ("up-vertex/claude-sonnet-4-5", wires.Anthropic()),
    "cohere": ("up-cohere/command-a-03-2025", wires.Cohere()),
    # No upstream, so nothing can be scripted or seen: only in cases that say `# in_process: yes`.
    "in-process": ("builtin/smollm2-135m-instruct", None),
}
# What the upstream is sent instead where the client's own bytes go on to it.
FORWARDED = {("invoke", "bedrock"): wires.Invoke(), ("responses", "openai"): wires.Responses(),
             ("responses", "azure"): wires.Responses()}
BREAKER_OPEN = 0.03  # seconds
RULES = ("seen", "seen2", "got", "error", "note")


class Case:
    def __init__(self, path):
        self.file, self.name, self.aspect = os.path.basename(path), "", ""
        self.flags, self.parts, self.rules = {}, {}, []
        text = open(path, encoding="utf-8").read()
        head, body = text.split("\n----\n")
        for line in head.split("\n"):
            if m := re.match(r"# (\w+): (.*)", line):
                self.flags[m[1]] = m[2]
        for m in re.finditer(r"^(ask|answer|then)\b(.*?)(?=^\w|\Z)", head, re.S | re.M):
            self.parts[m[1]] = json.loads(m[2])
        for m in re.finditer(r"^(\w+)\b(.*?)(?=^\w|^#|\Z)", body, re.S | re.M):
            assert m[1] in RULES, f"{path}: unknown rule {m[1]}"
            selectors, rest = re.match(r"((?:\s*(?:client|provider|form)=\S+)*)\s*(.*)", m[2], re.S).groups()
            where = {k: v.split(",") for k, v in re.findall(r"(\w+)=(\S+)", selectors)}
            known = {"client": CLIENTS, "provider": PROVIDERS, "form": ("whole", "stream")}
            for key, names in where.items():
                assert set(names) <= set(known[key]), f"{path}: unknown {key} in {names}"
            self.rules.append((m[1], where, json.loads(rest)))
        self.name, self.aspect = self.flags["name"], self.flags["aspect"]

    def of(self, kind, cell):
        return [(where, value) for rule, where, value in self.rules
                if rule == kind and all(cell[k] in names for k, names in where.items())]


def patch(value, change):
    """RFC 7396, and "-KIND": true removes all content blocks of that kind."""
    if not isinstance(change, dict):
        return change
    value = dict(value) if isinstance(value, dict) else {}
    for key, new in change.items():
        if key.startswith("-"):
            for message in value["messages"]:
                message["content"] = [b for b in message["content"] if key[1:] not in b]
            value["messages"] = [m for m in value["messages"] if m["content"]]
        elif key.startswith("no-"):  # a member of every block
            for message in value["messages"]:
                message["content"] = [{k: v for k, v in b.items() if k != key[3:]} for b in message["content"]]
        elif new is None:
            value.pop(key, None)
        else:
            value[key] = patch(value.get(key), new)
    return value


def lacks(actual, expected, path=""):
    """What of `expected` is not in `actual`: members that are not named may be anything."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if problem := lacks(actual.get(key), value, f"{path}.{key}"):
                return problem
        return ""
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for i, value in enumerate(expected):
            if problem := lacks(actual[i], value, f"{path}[{i}]"):
                return problem
        return ""
    if expected == "*":
        return "" if actual else f"{path}: expected anything, found nothing"
    none = (None, "", [], {}, 0, False)
    if expected == actual or (expected in none and actual in none):
        return ""
    return f"{path}: expected {json.dumps(expected, ensure_ascii=False)}, found {json.dumps(actual, ensure_ascii=False)}"


class Http:
    def __init__(self, url):
        self.at = urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.at, timeout=30)

    def call(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + harness.BEARER, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            self.connection.request(method, path, data, headers)
            r = self.connection.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise


class Suite:
    def __init__(self):
        self.fake = harness.FakeUpstream()
        self.server = harness.Server(CONFIG.format(url=self.fake.url), SECRETS, documents=False)
        self.strata, self.upstream = Http(self.server.url), Http(self.fake.url)
        self.calls = 0

    def script(self, answer):
        status, _, body = self.upstream.call("POST", "/_script", {"reset": True, "answers": [answer]})
        assert status == 200, body

    def seen(self, wire):
        requests = json.loads(self.upstream.call("GET", "/_requests")[2])["requests"]
        assert len(requests) == 1, f"the upstream was asked {len(requests)} times"
        return wires.compact(wire.read_request(json.loads(requests[0]["body"])))

    def ask(self, client, model, ask, stream):
        self.calls += 1
        wire = CLIENTS[client]
        status, headers, body = self.strata.call("POST", wire.path(model, stream), wire.build(model, ask, stream))
        return status, {k.lower(): v for k, v in headers.items()}, body

    def dropped(self, headers):
        body = self.strata.call("GET", f"/strata/v1/traces/{headers['x-strata-trace-id']}?form=json")[2]
        return "; ".join(re.findall(r'"dropped": ?"((?:[^"\\]|\\.)*)"', body.decode()))

    def run(self, case, client, provider, stream):
        """The mark of one cell; AssertionError says what is wrong with it."""
        cell = {"client": client, "provider": provider, "form": "stream" if stream else "whole"}
        model, wire = PROVIDERS[provider]
        wire = FORWARDED.get((client, provider), wire)
        ask = {"max_tokens": 64, **copy.deepcopy(case.parts["ask"])}
        if ask["max_tokens"] == 0:
            del ask["max_tokens"]
        self.script(case.parts.get("answer", {"text": "Hello."}))
        status, headers, body = self.ask(client, model, ask, stream)
        errors = case.of("error", cell)
        if errors:
            kind, text = errors[-1][1]
            assert status >= 400, f"expected an error, got {status} {body[:300]}"
            found, message = CLIENTS[client].read_error(status, json.loads(body))
            assert found == kind and text in message, f"error: expected {kind} '{text}', found {found} '{message}' ({status})"
            if kind == "rate_limited":
                assert headers.get("retry-after") == "7", f"Retry-After: {headers.get('retry-after')}"
            return "!"
        assert status == 200, f"status {status}: {body[:500]}"
        rules = case.of("seen", cell) if wire else []
        expected = ask
        for _, change in rules:
            expected = patch(expected, change)
        seen, expected = self.seen(wire) if wire else None, wires.compact(expected) if wire else None
        assert seen == expected, f"the upstream saw\n    {json.dumps(seen, ensure_ascii=False)}\n  expected\n    " \
                                 f"{json.dumps(expected, ensure_ascii=False)}"
        answer = CLIENTS[client].read_stream(body) if stream else CLIENTS[client].read_answer(json.loads(body))
        got_rules, want = case.of("got", cell), {}
        for _, change in got_rules:
            want = patch(want, change)
        problem = lacks(answer, want)
        assert not problem, f"the client got {problem}"
        notes = case.of("note", cell)
        if notes:
            dropped = self.dropped(headers)
            for _, text in notes:
                assert text in dropped, f"the trace notes '{dropped}', expected '{text}'"
        differs = bool(notes) or any(where for where, _ in rules + got_rules)
        if "then" in case.parts and not stream:
            differs = self.second(case, cell, ask, json.loads(body)) or differs
        return "~" if differs else "✓"

    def second(self, case, cell, ask, answer):
        """The client plays the answer back as it got it, with what comes next; whether that differs from plain."""
        client, provider = cell["client"], cell["provider"]
        target = provider
        if case.flags.get("to") == "other":
            target = "gemini" if provider in ("anthropic", "bedrock", "vertex-claude") else "anthropic"
        ask = {**ask, "messages": ask["messages"] + [{"role": "assistant", "raw": CLIENTS[client].playback(answer)},
                                                     {"role": "user", "content": case.parts["then"]}]}
        self.script({"text": "Done."})
        model, wire = PROVIDERS[target]
        wire = FORWARDED.get((client, target), wire)
        status, headers, body = self.ask(client, model, ask, False)
        assert status == 200, f"second turn: status {status}: {body[:500]}"
        rules, want = case.of("seen2", cell), {}
        for _, change in rules:
            want = patch(want, copy.deepcopy(change))
        problem = lacks(self.seen(wire), want)
        assert not problem, f"in the second turn the upstream saw {problem}"
        return any(where for where, _ in rules)


def check_rules(case):
    """A rule that no cell uses is a mistake in the case."""
    for rule, where, _ in case.rules:
        assert where or rule in ("got", "seen2", "error", "seen"), f"{case.file}: {rule} needs a selector"


def matrix(cases, marks, seconds, calls):
    aspects = list(dict.fromkeys(c.aspect for c in cases))
    short = [a[:9] for a in aspects]
    lines = [f"{'client → provider':<26}" + "".join(f"{s:<10}" for s in short)]
    for client in CLIENTS:
        for provider in PROVIDERS:
            row = f"{client + ' → ' + provider:<26}"
            for aspect in aspects:
                text = ""
                for c in cases:
                    if c.aspect == aspect:
                        text += "".join(dict.fromkeys(marks.get((c.file, client, provider, s), "") for s in (False, True)))
                row += f"{''.join(dict.fromkeys(text)) if set(text) == {'–'} else text.replace('–', ''):<10}"
            lines.append(row)
    failed = sum(m == "✗" for m in marks.values())
    lines.append("\n✓ unchanged   ~ a difference that the case states   ! an error that the case states   "
                 "– nothing to script in the process   ✗ wrong")
    lines.append(f"{len(marks)} cells of {len(cases)} cases, {calls} calls, {seconds:.1f} s, {failed} wrong")
    return "\n".join(lines)


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    cases = [Case(p) for p in sorted(glob.glob(os.path.join(HERE, "cases", "*.case"))) if only in p]
    for case in cases:
        check_rules(case)
    suite, marks, shown = Suite(), {}, 0
    started = time.monotonic()
    for case in cases:
        for client in CLIENTS:
            for provider in PROVIDERS:
                for stream in (False, True):
                    if case.flags.get("streamed") == "only" and not stream:
                        continue
                    key = (case.file, client, provider, stream)
                    if provider == "in-process" and case.flags.get("in_process") != "yes":
                        marks[key] = "–"
                        continue
                    if case.aspect in ("error", "cut"):
                        time.sleep(BREAKER_OPEN)
                    try:
                        marks[key] = suite.run(case, client, provider, stream)
                    except Exception as e:  # a broken answer may raise anything while it is read
                        marks[key] = "✗"
                        shown += 1
                        if shown <= int(os.environ.get("SHOW", "40")):
                            why = str(e) if isinstance(e, AssertionError) else traceback.format_exc(limit=-2)
                            print(f"{case.file} {client} → {provider} {'streamed' if stream else 'whole'}: {why}")
                        suite.strata.connection.close()
    text = matrix(cases, marks, time.monotonic() - started, suite.calls)
    print(text)
    if path := os.environ.get("STRATA_CONFORMANCE_MATRIX"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "\n")
    sys.exit("✗" in marks.values() or not suite.server.alive())


if __name__ == "__main__":
    main()

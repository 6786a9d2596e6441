"""server.trace_text and server.export_text: no word of a question, a document or an answer in what must not hold them."""
import glob
import http.server
import json
import os
import threading
import unittest
import urllib.request

import boto3
import openai
from botocore.config import Config

from harness import ACCESS_KEY, BEARER, SECRET_KEY, UPSTREAM_SECRETS, FakeUpstream, Server, stop_process

QUESTION = 'Which of the harbuor rules says "closed to visitors", and when?'
WORDS = ("harbuor", "closed to visitors", "quay", "cormorant", "heron")
NAMES = ("harbour.md", "lighthouse.txt")  # of documents
ATTRIBUTES = [{"key": "board", "type": "STRING", "description": "who decided"}]


class Collector:
    """A hook that calls every answer wrong and says `why(question)`, and an OTLP collector; `exported` is what that was sent."""

    def __init__(self, why):
        self.exported = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                reply = b"{}"
                if self.path.endswith("/v1/traces"):
                    outer.exported.append(body.decode())
                else:
                    reply = json.dumps({"pass": False, "reason": why(json.loads(body)["question"])}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Privacy(unittest.TestCase):
    def ask(self, options):
        """Asks a server of these options in every way that puts texts into spans: (its traces, what it exported)."""
        upstream, collector = FakeUpstream(), Collector(lambda question: "heron: " + question)
        self.addCleanup(collector.stop)
        server = Server(f"""
{options}
otlp: {{endpoint: "{collector.url}"}}
hooks:
  - {{name: facts, url: "{collector.url}/hook", region: local}}
providers:
  - {{name: up, kind: openai, base_url: "{upstream.url}/v1", secret: "env:FAKE_OPENAI_KEY"}}
""", UPSTREAM_SECRETS)
        self.addCleanup(server.stop)
        aws = dict(endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                   aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}))
        base = boto3.client("bedrock-agent", **aws).list_knowledge_bases()["knowledgeBaseSummaries"][0]["knowledgeBaseId"]
        upstream.script({"text": '{"filter": {"equals": {"key": "board", "value": "cormorant"}}}'},
                        {"text": '{"filter": {"equals": {"key": "cormorant", "value": 1}}}'},
                        {"text": "It is closed to visitors.", "times": 0})
        found = [boto3.client("bedrock-agent-runtime", **aws).retrieve(
            knowledgeBaseId=base, retrievalQuery={"text": QUESTION}, retrievalConfiguration={"vectorSearchConfiguration": {
                "implicitFilterConfiguration": {"modelArn": "up/gpt-4o-mini", "metadataAttributes": ATTRIBUTES}}})
            for _ in range(2)]
        self.assertEqual(found[0]["retrievalResults"], [])
        self.assertTrue(found[1]["retrievalResults"])
        traces = [reply["ResponseMetadata"]["HTTPHeaders"]["x-strata-trace-id"] for reply in found]
        router = os.path.join(server.folder, "router.yaml")
        with open(router, "w", encoding="utf-8") as f:
            f.write("candidates: [up/gpt-4o, up/gpt-4o-mini]\ncascade: {ask: up/gpt-4o-mini, check: hook, hook: facts}\n")
        server.cli("route", "create", "hooked", router)
        client = openai.OpenAI(base_url=server.url + "/v1", api_key=BEARER, max_retries=0)
        for model in ("kb/harbour", "router/hooked"):
            raw = client.chat.completions.with_raw_response.create(model=model, messages=[{"role": "user", "content": QUESTION}])
            traces.append(raw.headers["x-strata-trace-id"])
        stored = [server.cli("trace", trace, "--json") for trace in traces]
        server.stop()  # it exports what it has
        exported = "\n".join(collector.exported)
        for trace in traces:
            self.assertIn(trace, exported)
        return "\n".join(stored), exported

    def assertSays(self, text, words):
        low = text.lower()
        self.assertEqual([word for word in WORDS if word in low], list(words))

    def test_where_texts_are_kept_the_trace_has_them_and_the_export_has_not(self):
        stored, exported = self.ask("server.trace_text: true")
        self.assertSays(stored, WORDS)
        self.assertSays(exported, ())
        self.assertIn(NAMES[0], stored)
        for name in NAMES:
            self.assertNotIn(name, exported)
        # What is no text is exported all the same.
        for part in ("knowledge.phrase", "strata.held_by", "strata.conditions_on", "gateway.hook", "it does not pass", r'\"chunk\"'):
            self.assertIn(part, exported)

    def test_where_no_texts_are_kept_the_trace_has_none(self):
        stored, exported = self.ask("server.trace_text: false\nserver.export_text: true")
        self.assertSays(stored, ())
        self.assertSays(exported, ())
        for name in NAMES:
            self.assertNotIn(name, stored + exported)
        for part in ("knowledge.phrase", "held_by", "conditions_on", "gateway.hook", "it does not pass", "chunk"):
            self.assertIn(part, stored)

    def test_what_may_be_exported_is(self):
        _, exported = self.ask("server.export_text: true")
        self.assertSays(exported, WORDS)


# One unlikely word for each place that a text can come from.
SAID = {"question": "quokkawort", "system": "wombatwort", "conversation": "pademelonwort", "tool result": "bettongwort",
        "tool argument": "potoroowort", "member": "dunnartwort", "value": "numbatwort", "blocked": "kestrelwort",
        "title": "bilbywort", "passage": "kowariwort", "address": "bandicootwort", "answer": "echidnawort",
        "refusal": "platypuswort", "broken stream": "dugongwort", "hook": "emuwort"}
# What no trace keeps: the arguments of tool calls, and a question that a guardrail blocks.
NEVER_KEPT = {"tool argument", "blocked"}


class Markers(unittest.TestCase):
    """A request of every kind, each text of which has a word of its own, and a look at everything that must not have it."""

    def setUp(self):
        self.upstream = FakeUpstream()
        self.collector = Collector(lambda question: SAID["hook"])
        self.addCleanup(self.collector.stop)

    def start(self, options):
        own = self.collector.url
        self.server = Server(f"""
{options}
resilience: {{retries: 0, breaker_faults: 1000000, breaker_percent: 100}}
otlp: {{endpoint: "{own}"}}
hooks:
  - {{name: facts, url: "{own}/hook", region: local}}
guardrails:
  - {{name: birds, words: [{SAID["blocked"]}]}}
providers:
  - {{name: up, kind: openai, base_url: "{self.upstream.url}/v1", secret: "env:FAKE_OPENAI_KEY"}}
""", UPSTREAM_SECRETS, documents=False)
        self.addCleanup(self.server.stop)
        docs = os.path.join(self.server.folder, "marked")
        os.mkdir(docs)
        with open(os.path.join(docs, SAID["address"] + ".md"), "w", encoding="utf-8") as f:
            f.write(f"# {SAID['title']}\n\nThe {SAID['passage']} of the harbour is closed to visitors after nine.\n")
        self.server.cli("kb", "create", "marked", docs)
        self.server.cli("kb", "sync", "marked")
        router = os.path.join(self.server.folder, "router.yaml")
        with open(router, "w", encoding="utf-8") as f:
            f.write("candidates: [up/gpt-4o, up/gpt-4o-mini]\ncascade: {ask: up/gpt-4o-mini, check: hook, hook: facts}\n")
        self.server.cli("route", "create", "hooked", router)

    def send(self, path, body):
        """The status of a request whose body is sent as it is."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data, {
            "authorization": "Bearer " + BEARER, "content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                reply.read()
                return reply.status
        except urllib.error.HTTPError as e:
            e.close()
            return e.code

    def chat(self, model, text, **more):
        return self.send("/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": text}], **more})

    def ask_all(self):
        question = f"When is the {SAID['passage']} of the harbour closed, {SAID['question']}?"
        self.upstream.script({"text": SAID["answer"], "times": 0})
        self.assertEqual(self.chat("up/gpt-4o", SAID["blocked"]), 400)
        self.assertEqual(self.chat("kb/marked", question), 200)
        self.assertEqual(self.chat("router/hooked", question), 200)
        self.assertEqual(self.send("/v1/chat/completions", {"model": "up/gpt-4o", "messages": [
            {"role": "system", "content": SAID["system"]}, {"role": "user", "content": SAID["conversation"]}]}), 200)
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": json.dumps({"a": SAID["tool argument"]})}}
        self.assertEqual(self.send("/v1/chat/completions", {"model": "up/gpt-4o", "messages": [
            {"role": "user", "content": question}, {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": SAID["tool result"]}],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]}), 200)
        self.upstream.script({"status": 400, "error_message": f"cannot read '{SAID['refusal']}'", "times": 0})
        for model in ("up/gpt-4o", "router/hooked"):
            self.assertEqual(self.chat(model, question), 400)
        self.assertEqual(self.send("/v1/embeddings", {"model": "up/text-embedding-3-small", "input": question}), 400)
        self.upstream.script({"status": 503, "error_message": SAID["refusal"], "times": 0})
        self.assertGreaterEqual(self.chat("up/gpt-4o", question), 500)
        self.upstream.script({"chunks": ["a"], "stream_error": "server_error", "error_message": SAID["broken stream"], "times": 0})
        self.chat("up/gpt-4o", question, stream=True)
        # Bad input: a member of the user's own name, a value, what is no JSON, and another dialect's.
        self.assertEqual(self.chat("up/gpt-4o", question, metadata={SAID["member"]: {"x": 1}}), 400)
        self.assertEqual(self.chat("up/gpt-4o", question, tool_choice=SAID["value"]), 400)
        self.assertEqual(self.send("/v1/chat/completions", b'{"%s": tru' % SAID["member"].encode()), 400)
        self.assertEqual(self.send("/v1/messages", {"model": "up/gpt-4o", "max_tokens": 9, "messages": [
            {"role": SAID["value"], "content": "x"}]}), 400)

    def files(self, *patterns):
        out = b""
        for pattern in patterns:
            found = glob.glob(os.path.join(self.server.data, pattern))
            self.assertTrue(found, pattern)
            for path in found:
                with open(path, "rb") as f:
                    out += f.read()
        return out

    def look(self, options):
        """Asks all; of each place that may hold texts, the words that it has."""
        self.start(options)
        self.ask_all()
        journal = self.files("journal/*")
        stop_process(self.server.process)  # it exports and writes what it has
        self.assertTrue(self.collector.exported)
        places = {"traces": self.files("traces-*.db*"), "journal": journal, "ledger": self.files("ledger.db*"),
                  "export": "".join(self.collector.exported).encode(), "log": self.server.log_text().encode()}
        self.assertIn(b"up/gpt-4o-mini", places["traces"])
        self.assertIn(b"up/gpt-4o-mini", places["journal"])
        return {place: {name for name, word in SAID.items() if word.encode() in held} for place, held in places.items()}

    def test_where_no_texts_are_kept_nothing_holds_any(self):
        found = self.look("server.trace_text: false\nserver.export_text: true")
        self.assertEqual(found, {place: set() for place in found})

    def test_where_they_are_kept_traces_hold_all_and_nothing_else_any(self):
        found = self.look("server.trace_text: true")
        self.assertEqual(found.pop("traces"), set(SAID) - NEVER_KEPT)
        self.assertEqual(found, {place: set() for place in found})


if __name__ == "__main__":
    unittest.main()

"""server.trace_text and server.export_text: no word of a question, a document or an answer in what must not hold them."""
import http.server
import json
import os
import threading
import unittest

import boto3
import openai
from botocore.config import Config

from harness import ACCESS_KEY, BEARER, SECRET_KEY, UPSTREAM_SECRETS, FakeUpstream, Server

QUESTION = 'Which of the harbuor rules says "closed to visitors", and when?'
WORDS = ("harbuor", "closed to visitors", "quay", "cormorant", "heron")
NAMES = ("harbour.md", "lighthouse.txt")  # of documents: no texts in a trace of our own
ATTRIBUTES = [{"key": "board", "type": "STRING", "description": "who decided"}]


class Collector:
    """A hook that calls every answer wrong and says why, and an OTLP collector; `exported` is what that was sent."""

    def __init__(self):
        self.exported = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                reply = b"{}"
                if self.path.endswith("/v1/traces"):
                    outer.exported.append(body.decode())
                else:
                    said = json.loads(body)
                    reply = json.dumps({"pass": False, "reason": "heron: " + said["question"]}).encode()
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
        upstream, collector = FakeUpstream(), Collector()
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
        self.assertIn(NAMES[0], "".join(stored))
        return "\n".join(stored), exported

    def assertSays(self, text, words):
        low = text.lower()
        self.assertEqual([word for word in WORDS if word in low], list(words))

    def test_where_texts_are_kept_the_trace_has_them_and_the_export_has_not(self):
        stored, exported = self.ask("server.trace_text: true")
        self.assertSays(stored, WORDS)
        self.assertSays(exported, ())
        for name in NAMES:
            self.assertNotIn(name, exported)
        # What is no text is exported all the same.
        for part in ("knowledge.phrase", "strata.held_by", "strata.conditions_on", "gateway.hook", "it does not pass"):
            self.assertIn(part, exported)

    def test_where_no_texts_are_kept_the_trace_has_none(self):
        stored, exported = self.ask("server.trace_text: false\nserver.export_text: true")
        self.assertSays(stored, ())
        self.assertSays(exported, ())
        for part in ("knowledge.phrase", "held_by", "conditions_on", "gateway.hook", "it does not pass", "chunk"):
            self.assertIn(part, stored)

    def test_what_may_be_exported_is(self):
        _, exported = self.ask("server.export_text: true")
        self.assertSays(exported, WORDS)


if __name__ == "__main__":
    unittest.main()

"""Which roles may call what: docs/access.md is what the routes say, and the routes do what it says."""
import http.client
import json
import os
import re
import tempfile
import time
import unittest
import urllib.parse

import anthropic
import boto3
import botocore.exceptions
import openai

from harness import BEARER, FakeUpstream, Server, server

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "access.md")


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()

    def call(self, method, path, bearer):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
        try:
            connection.request(method, path, b"{}", {"content-type": "application/json", "authorization": "Bearer " + bearer})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def test_the_page_is_what_the_routes_say(self):
        with open(PAGE, encoding="utf-8") as f:
            self.assertEqual(self.server.cli("key", "roles"), f.read(), "renew it: strata key roles > docs/access.md")

    def test_roles_open_their_operations_and_no_others(self):
        operations = json.loads(self.call("GET", "/strata/v1/roles", BEARER)[1])["operations"]
        self.assertGreater(len(operations), 80)
        wrong = []
        for role in ("invoke", "kb.read", "kb.write", "metrics"):
            bearer = f"sk-strata-access-{role}-0123456789abcdef"
            self.server.cli("key", "create", "--name", role, "--role", role, "--bearer", bearer)
            for operation in operations:
                if operation["role"] in ("", "*"):
                    continue
                path = re.sub(r"\{[^}]*\}", "nobody", operation["path"])
                status, body = self.call(operation["method"], path, bearer)
                refused = status == 403 and "role" in body
                if refused != (operation["role"] != role):
                    wrong.append((role, operation["method"], path, status, body))
        self.assertEqual(wrong, [])

    def test_a_list_of_models_holds_on_every_way_to_a_base(self):
        bearer = "sk-strata-access-list-0123456789abcdef"
        self.server.cli("key", "create", "--name", "list", "--role", "invoke", "--model", "kb/other", "--bearer", bearer)
        for path, body in (("search", {"query": "glass"}), ("ask", {"question": "glass?"})):
            for key, due in ((bearer, 403), (BEARER, 200)):
                connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
                connection.request("POST", f"/strata/v1/kbs/harbour/{path}", json.dumps(body),
                                   {"content-type": "application/json", "authorization": "Bearer " + key})
                reply = connection.getresponse()
                self.assertEqual(reply.status, due, (path, reply.read()))
                connection.close()


    def test_a_list_of_models_holds_for_looking_at_bases_and_changing_them(self):
        bearer = "sk-strata-access-look-0123456789abcdef"
        self.server.cli("key", "create", "--name", "look", "--role", "kb.read", "--role", "kb.write", "--role", "invoke",
                        "--model", "kb/elsewhere", "--bearer", bearer)
        base = next(kb for kb in json.loads(self.call("GET", "/strata/v1/kbs", BEARER)[1])["kbs"] if kb["name"] == "harbour")
        sources = json.loads(self.call("POST", f"/knowledgebases/{base['id']}/datasources", BEARER)[1])["dataSourceSummaries"]
        own, source = f"/knowledgebases/{base['id']}", f"/knowledgebases/{base['id']}/datasources/{sources[0]['dataSourceId']}"
        arn = urllib.parse.quote(f"arn:aws:bedrock:us-east-1:000000000000:knowledge-base/{base['id']}", safe="")
        for method, path in (("GET", own), ("POST", own + "/datasources"), ("GET", source), ("POST", source + "/documents"),
                             ("POST", source + "/ingestionjobs"), ("PUT", source + "/ingestionjobs"), ("DELETE", source), ("DELETE", own),
                             ("GET", "/tags/" + arn), ("DELETE", "/strata/v1/kbs/harbour"), ("POST", "/strata/v1/kbs/harbour/sync")):
            status, body = self.call(method, path, bearer)
            self.assertEqual(status, 403, (method, path, body))
            self.assertIn("kb/harbour", body)
        self.assertNotIn("harbour", self.call("POST", "/knowledgebases", bearer)[1])
        self.assertNotIn("harbour", self.call("GET", "/strata/v1/kbs", bearer)[1])
        self.assertEqual(self.call("POST", source + "/documents", BEARER)[0], 200)

    def test_a_key_for_one_base_may_look_at_it_and_make_it(self):
        bearer = "sk-strata-access-mine-0123456789abcdef"
        self.server.cli("key", "create", "--name", "mine", "--role", "admin", "--model", "kb/mine", "--bearer", bearer)

        def make(name):
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
            connection.request("POST", "/strata/v1/kbs", json.dumps({"name": name}), {"authorization": "Bearer " + bearer})
            status = connection.getresponse().status
            connection.close()
            return status

        self.assertEqual((make("mine"), make("theirs")), (200, 403))
        listed = json.loads(self.call("GET", "/strata/v1/kbs", bearer)[1])["kbs"]
        self.assertEqual([kb["name"] for kb in listed], ["mine"])
        self.assertEqual(self.call("GET", "/knowledgebases/" + listed[0]["id"], bearer)[0], 200)
        self.assertEqual(self.call("DELETE", "/strata/v1/kbs/mine", bearer)[0], 200)

    def post(self, path, bearer, body):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json", "authorization": "Bearer " + bearer})
        status = connection.getresponse().status
        connection.close()
        return status

    def test_what_an_administrator_asks_a_folder_is_nobody_elses_to_read(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "plan.txt"), "w", encoding="utf-8") as f:
                f.write("The ferry to the island is sold in spring.")
            self.assertIn("spring", self.server.cli("ask", folder, "When is the ferry sold?"))
        base = next(kb for kb in json.loads(self.call("GET", "/strata/v1/kbs", BEARER)[1])["kbs"] if kb["name"].startswith("folder-"))
        name, own = "kb/" + base["name"], f"/knowledgebases/{base['id']}"
        keys = {}
        for key, args in (("plain", ()), ("all bases", ("--model", "kb/*")), ("granted", ("--model", name)),
                          ("looks", ("--role", "kb.read")), ("writes", ("--role", "kb.write", "--role", "invoke"))):
            keys[key] = f"sk-strata-access-folder-{key.replace(' ', '-')}-0123456789"
            self.server.cli("key", "create", "--name", "folder " + key, "--bearer", keys[key], *args)
        question = {"role": "user", "content": "When is the ferry sold?"}
        converse = {"messages": [{"role": "user", "content": [{"text": question["content"]}]}]}
        both = f"kb/harbour,{base['name']}"
        ways = [("/v1/chat/completions", {"model": name, "messages": [question]}),
                ("/v1/chat/completions", {"model": name, "messages": [question], "stream": True}),
                ("/v1/chat/completions", {"model": both, "messages": [question]}),
                ("/v1/responses", {"model": name, "input": question["content"]}),
                ("/v1/messages", {"model": name, "max_tokens": 99, "messages": [question]}),
                (f"/model/{urllib.parse.quote(name, safe='')}/converse", converse),
                (f"/v1beta/models/{name}:generateContent", {"contents": [{"parts": [{"text": question["content"]}]}]}),
                (own + "/retrieve", {"retrievalQuery": {"text": "ferry"}}),
                ("/retrieveAndGenerate", {"input": {"text": "ferry"}, "retrieveAndGenerateConfiguration": {
                    "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {"knowledgeBaseId": base["id"], "modelArn": "builtin/extract"}}}),
                (f"/strata/v1/kbs/{base['name']}/search", {"query": "ferry"}),
                (f"/strata/v1/kbs/{base['name']}/ask", {"question": "ferry?"})]
        for path, body in ways:
            of_two = body.get("model") == both
            for key, due in (("plain", 403), ("all bases", 403), ("granted", 403 if of_two else 200), ("writes", 200)):
                models = key != "plain" and key != "writes"
                if models and path == "/retrieveAndGenerate":
                    continue  # these keys are not bound to the model that writes either
                self.assertEqual(self.post(path, keys[key], body), due, (path, key))
            self.assertEqual(self.post(path, BEARER, body), 200, path)
        self.assertEqual(self.call("GET", own, keys["looks"])[0], 403)
        self.assertNotIn("folder-", self.call("GET", "/strata/v1/kbs", keys["looks"])[1])
        self.assertEqual(self.call("DELETE", f"/strata/v1/kbs/{base['name']}", keys["writes"])[0], 200)


class Workspaces(unittest.TestCase):
    """An administrator of one workspace acts there alone; the whole server is for those of `default`."""

    ADMIN, PLAIN = "sk-strata-access-other-admin-0123456789", "sk-strata-access-other-plain-0123456789"

    @classmethod
    def setUpClass(cls):
        cls.server = server()
        for bearer, role in ((cls.ADMIN, "admin"), (cls.PLAIN, "invoke")):
            cls.server.cli("key", "create", "--name", "other " + role, "--workspace", "other", "--role", role, "--bearer", bearer)

    def call(self, method, path, bearer, body=None):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
        try:
            connection.request(method, path, json.dumps(body or {}), {"content-type": "application/json", "authorization": "Bearer " + bearer})
            reply = connection.getresponse()
            text = reply.read().decode()
            return reply.status, json.loads(text) if text.startswith("{") else text
        finally:
            connection.close()

    def test_keys_are_those_of_the_workspace(self):
        theirs = self.call("POST", "/strata/v1/keys", BEARER, {"name": "of default"})[1]
        listed = self.call("GET", "/strata/v1/keys", self.ADMIN)[1]["keys"]
        self.assertEqual({key["workspace"] for key in listed}, {"other"})
        self.assertIn("default", {key["workspace"] for key in self.call("GET", "/strata/v1/keys", BEARER)[1]["keys"]})
        for name in (theirs["key"], theirs["access_key_id"]):
            self.assertEqual(self.call("DELETE", "/strata/v1/keys/" + name, self.ADMIN)[0], 404)
            self.assertEqual(self.call("POST", f"/strata/v1/keys/{name}/rotate", self.ADMIN)[0], 404)
            self.assertEqual(self.call("PUT", f"/strata/v1/keys/{name}/budget", self.ADMIN, {"budget_month_usd": 1})[0], 404)
        status, body = self.call("POST", "/strata/v1/keys", self.ADMIN, {"workspace": "default", "roles": ["admin"]})
        self.assertEqual(status, 403)
        self.assertIn("workspace 'default'", json.dumps(body))
        status, made = self.call("POST", "/strata/v1/keys", self.ADMIN, {"name": "own"})
        self.assertEqual((status, made["workspace"]), (200, "other"))
        self.assertEqual(self.call("POST", f"/strata/v1/keys/{made['key']}/rotate", self.ADMIN)[0], 200)
        self.assertEqual(self.call("DELETE", "/strata/v1/keys/" + made["access_key_id"], self.ADMIN)[0], 200)

    def test_what_concerns_the_whole_server_is_refused_and_says_why(self):
        for method, path in (("POST", "/strata/v1/backup"), ("POST", "/strata/v1/reload"), ("POST", "/strata/v1/hand-over"),
                             ("GET", "/strata/v1/console"), ("POST", "/strata/v1/providers"), ("DELETE", "/strata/v1/providers/up"),
                             ("POST", "/strata/v1/models/import")):
            status, body = self.call(method, path, self.ADMIN, {"to": "/nowhere"})
            self.assertEqual(status, 403, (path, body))
            self.assertIn("whole server", json.dumps(body), path)
        self.assertEqual(self.call("GET", "/console", self.ADMIN)[0], 401)
        self.assertEqual(self.call("POST", "/strata/v1/reload", BEARER)[0], 200)

    def test_models_are_those_of_the_workspace(self):
        for bearer, seen in ((BEARER, True), (self.PLAIN, False)):
            ids = [model["id"] for model in self.call("GET", "/v1/models", bearer)[1]["data"]]
            self.assertEqual("kb/harbour" in ids, seen, ids)
            summaries = self.call("GET", "/foundation-models", bearer)[1]["modelSummaries"]
            self.assertEqual("kb/harbour" in [model["modelId"] for model in summaries], seen)
            self.assertEqual(self.call("GET", "/v1/models/kb/harbour", bearer)[0], 200 if seen else 404)
            self.assertEqual(self.call("GET", "/foundation-models/kb%2Fharbour", bearer)[0], 200 if seen else 404)
            self.assertTrue(any(one.startswith("builtin/") for one in ids))


class Budgets(unittest.TestCase):
    CONFIG = """
providers:
  - name: up
    kind: openai
    base_url: "{url}/v1"
    secret: "env:FAKE_OPENAI_KEY"
    models: [{{id: dear, price: {{input: 1000000, output: 0, as_of: 2026-11-01}}}}]
"""
    KEY = dict(bearer="sk-strata-budget-0123456789abcdef", id="AKIABUDGETTESTS00000", secret="budget-tests-secret-0123456789-abcdefgh")

    def clients(self):
        self.openai = openai.OpenAI(base_url=self.server.url + "/v1", api_key=self.KEY["bearer"])
        self.anthropic = anthropic.Anthropic(base_url=self.server.url, api_key=self.KEY["bearer"])
        self.bedrock = boto3.client("bedrock-runtime", region_name="eu-central-1", aws_access_key_id=self.KEY["id"],
                                    aws_secret_access_key=self.KEY["secret"], endpoint_url=self.server.url)

    def spent(self):
        return re.search(r"([\d.-]+ of [\d.-]+)", next(l for l in self.server.cli("key", "list").splitlines() if "saver" in l))[1]

    def ask(self):
        return self.openai.chat.completions.create(model="up/dear", messages=[{"role": "user", "content": "hi"}])

    def assertRefused(self, upstream):
        asked = len(upstream.requests())
        with self.assertRaises(openai.RateLimitError) as refused:
            self.ask()
        self.assertEqual((refused.exception.code, refused.exception.type), ("insufficient_quota", "insufficient_quota"))
        self.assertIn("'saver' has spent $4.00 of the $3.00", str(refused.exception))
        with self.assertRaises(anthropic.RateLimitError):
            self.anthropic.messages.create(model="up/dear", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            self.bedrock.converse(modelId="up/dear", messages=[{"role": "user", "content": [{"text": "hi"}]}])
        self.assertEqual(refused.exception.response["Error"]["Code"], "ServiceQuotaExceededException")
        self.assertEqual(refused.exception.response["ResponseMetadata"]["RetryAttempts"], 0)
        self.assertEqual(len(upstream.requests()), asked, "nobody was asked")

    def test_a_key_spends_its_month_and_no_more(self):
        upstream = FakeUpstream()
        self.server = Server(self.CONFIG.format(url=upstream.url), {"FAKE_OPENAI_KEY": "sk-fake-openai"}, documents=False)
        made = self.server.cli("key", "create", "--name", "saver", "--budget-month", "3", "--bearer", self.KEY["bearer"],
                               "--id", self.KEY["id"], "--secret", self.KEY["secret"])
        key = re.search(r"key_\w+", made)[0]
        self.clients()
        upstream.script({"text": "hello", "times": 0, "input_tokens": 2, "output_tokens": 1})
        for due in ("2.00 of 3.00", "4.00 of 3.00"):
            self.ask()
            until = time.monotonic() + 20
            while self.spent() != due and time.monotonic() < until:
                time.sleep(0.1)
            self.assertEqual(self.spent(), due)
        self.assertRefused(upstream)
        free = self.openai.embeddings.create(model="builtin/static-minilm-256", input="free of charge")
        self.assertTrue(free.data, "what costs nothing is served")
        self.server.process.kill()
        self.server.process.wait(60)
        self.server.process.stdout.close()
        self.server.process = self.server.start()
        self.server.wait_until_ready()
        self.clients()
        self.assertRefused(upstream)
        self.assertIn("4.00 of 10.00", self.server.cli("key", "budget", key, "10"))
        self.ask()
        self.assertIn("of -", self.server.cli("key", "budget", key, "--none"))
        self.ask()
        self.server.stop()


class WithoutKeys(unittest.TestCase):
    """A page that is open in a browser on the same machine is not everybody."""

    def test_pages_of_other_origins_are_refused(self):
        server = Server("server.require_keys: false\nserver.cors_origins: [\"https://ours.example\"]\n", documents=False)
        try:
            for origin, due in (("http://evil.example", 403), ("https://ours.example", 200), (None, 200)):
                headers = {"content-type": "text/plain", **({"origin": origin} if origin else {})}
                status, _, body = server.get("/strata/v1/keys", headers)
                self.assertEqual(status, due, (origin, body))
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()

"""Whose requests were kept, and that nothing of a person is left when they are erased, also over a kill -9."""
import json
import os
import time
import unittest
import urllib.error
import urllib.request

import boto3
import openai

from harness import ACCESS_KEY, BEARER, SECRET_KEY, FakeUpstream, Server

MARK = "xyzzy-quokka"  # only in what the person said
OTHER_BEARER = "sk-strata-other-workspace-0123456789"


class People(unittest.TestCase):
    CONFIG = """
kb.s3_map: {{answers: "{folder}"}}
providers:
  - {{name: up, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_OPENAI_KEY", responses: true}}
  - {{name: claude, kind: anthropic, base_url: "{url}", secret: "env:FAKE_ANTHROPIC_KEY"}}
"""

    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.server = Server("", {"FAKE_OPENAI_KEY": "sk-fake-openai", "FAKE_ANTHROPIC_KEY": "sk-ant-fake"})
        answers = os.path.join(cls.server.folder, "answers")
        os.mkdir(answers)
        cls.server.configure(cls.CONFIG.format(url=cls.upstream.url, folder=answers))
        cls.restart(kill=False)
        cls.server.cli("key", "create", "--workspace", "other", "--role", "admin", "--bearer", OTHER_BEARER)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    @classmethod
    def restart(cls, kill):
        cls.server.process.kill() if kill else cls.server.process.terminate()
        cls.server.process.wait(60)
        cls.server.process.stdout.close()
        cls.server.process = cls.server.start()
        cls.server.wait_until_ready()
        cls.openai = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)
        cls.runtime = boto3.client("bedrock-runtime", region_name="eu-central-1", aws_access_key_id=ACCESS_KEY,
                                   aws_secret_access_key=SECRET_KEY, endpoint_url=cls.server.url)

    def post(self, path, body, bearer=BEARER, **headers):
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode(), method="POST", headers={
            "authorization": "Bearer " + bearer, "content-type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def erase(self, subject, bearer=BEARER):
        return self.post("/strata/v1/subjects/erase", {"subject": subject}, bearer)["erased"]

    def files_with(self, text):
        found = []
        for folder, _, names in os.walk(self.server.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    if text.encode() in f.read():
                        found.append(name)
        return found

    def base_id(self):
        return next(b["id"] for b in json.loads(self.server.get("/strata/v1/kbs", {"authorization": "Bearer " + BEARER})[2])["kbs"])

    def leave_something_everywhere(self, user, text):
        """What one person's requests leave behind; their trace of a chat."""
        said = self.openai.chat.completions.with_raw_response.create(
            model="up/gpt-4o", messages=[{"role": "user", "content": text}], user=user)
        trace = said.headers["x-strata-trace-id"]
        for model in ("up/gpt-4o", "claude/claude-sonnet-4-5"):  # kept by its provider, kept here
            self.openai.responses.create(model=model, input=text, user=user)
        self.post("/v1/feedback", {"trace_id": trace, "value": -1, "metadata": {"text": text}})
        self.server.cli("eval", "set", "add-trace", "people", trace)
        self.post("/retrieveAndGenerate", {
            "input": {"text": "Who kept the lighthouse? " + text}, "retrieveAndGenerateConfiguration": {
                "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
                    "knowledgeBaseId": self.base_id(), "modelArn": "builtin/extract"}}}, **{"x-strata-subject": user})
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "metadata": {"user_id": user},
                "messages": [{"role": "user", "content": text}]}
        arn = self.runtime.start_async_invoke(
            modelId="claude/claude-sonnet-4-5", modelInput=body,
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": "s3://answers/" + user}})["invocationArn"]
        until = time.monotonic() + 60
        while self.runtime.get_async_invoke(invocationArn=arn)["status"] == "InProgress" and time.monotonic() < until:
            time.sleep(0.1)
        return trace

    def test_nothing_is_left_of_a_person_and_all_of_the_others(self):
        self.upstream.script({"text": "Rosa Lind", "times": 0})
        trace = self.leave_something_everywhere("u-gone", MARK)
        stays = self.leave_something_everywhere("u-stays", "something else")
        self.assertTrue(self.files_with(MARK))
        cost = self.server.cli("cost", "--by", "model")
        erased = self.erase("u-gone")
        kinds = {"traces", "responses", "kept_by_providers", "sessions", "async_invocations", "feedback", "labels", "eval_rows", "eval_cases"}
        self.assertEqual(set(erased), kinds)
        for kind in kinds - {"labels", "eval_cases"}:
            self.assertGreaterEqual(erased[kind], 1, kind)
        self.restart(kill=True)
        self.assertEqual(set(self.erase("u-gone").values()), {0}, "what was acknowledged is durable")
        self.assertEqual(self.files_with(MARK), [])
        bearer = {"authorization": "Bearer " + BEARER}
        self.assertEqual(self.server.get("/strata/v1/traces/" + trace, bearer)[0], 404)
        self.assertEqual(self.server.get("/strata/v1/traces/" + stays, bearer)[0], 200)
        self.assertIn("something else", self.server.cli("eval", "set", "show", "people", "--json"))
        self.assertEqual(self.server.cli("cost", "--by", "model"), cost, "amounts stay")

    def test_another_workspace_keeps_its_own(self):
        self.upstream.script({"text": "Rosa Lind", "times": 0})
        ours = self.openai.chat.completions.with_raw_response.create(
            model="up/gpt-4o", messages=[{"role": "user", "content": "mine"}], user="u-both").headers["x-strata-trace-id"]
        self.assertEqual(set(self.erase("u-both", OTHER_BEARER).values()), {0})
        self.assertEqual(self.server.get("/strata/v1/traces/" + ours, {"authorization": "Bearer " + BEARER})[0], 200)
        self.assertEqual(self.erase("u-both")["traces"], 1)

    def test_only_administrators_erase(self):
        bearer = "sk-strata-may-only-ask-0123456789"
        self.server.cli("key", "create", "--bearer", bearer)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.erase("u-gone", bearer)
        self.assertEqual(refused.exception.code, 403)
        refused.exception.close()

    def test_dialects_without_a_place_for_it_say_whose_request_it_is_in_a_header(self):
        self.upstream.script({"text": "Rosa Lind", "times": 0})
        body = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
        self.post("/model/up%2Fgpt-4o/converse", body, **{"x-strata-subject": "u-header"})
        self.assertEqual(self.erase("u-header")["traces"], 1)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.post("/model/up%2Fgpt-4o/converse", body, **{"x-strata-subject": "u" * 257})
        self.assertEqual(refused.exception.code, 400)
        self.assertIn("x-strata-subject", refused.exception.read().decode())


if __name__ == "__main__":
    unittest.main()

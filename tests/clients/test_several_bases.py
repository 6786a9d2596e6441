"""Several knowledge bases in one question, in every dialect: who may ask them, what citations, trace and ledger say."""
import json
import os
import unittest

import anthropic
import boto3
import openai
from botocore.exceptions import ClientError
from google import genai
from google.genai import types

from harness import ACCESS_KEY, BEARER, SECRET_KEY, run_strata, server

BERTH = "What is the fee for a berth in summer?"
MUSEUM = "When does the museum of Sörby open on Sundays?"
ONLY_HARBOUR = "sk-strata-only-harbour-0123456789abcdef"
MODEL = "kb/museum,harbour"


class SeveralBases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        folder = os.path.join(cls.server.folder, "museum")
        os.mkdir(folder)
        with open(os.path.join(folder, "visit.md"), "w", encoding="utf-8") as f:
            f.write("# Visiting\n\nThe museum of Sörby opens at 11:00 on Sundays and at 9:00 on other days.\n")
        with open(os.path.join(folder, "vault.md"), "w", encoding="utf-8") as f:
            f.write("The vault of the museum opens with the word kestrel.\n")
        with open(os.path.join(folder, "vault.md.metadata.json"), "w", encoding="utf-8") as f:
            json.dump({"metadataAttributes": {"strata_principals": ["group:guards"]}}, f)
        cls.server.cli("kb", "create", "museum", folder)
        cls.server.cli("kb", "sync", "museum")
        cls.server.cli("key", "create", "--role", "invoke", "--model", "kb/harbour*", "--bearer", ONLY_HARBOUR)
        cls.openai = cls.openai_as(BEARER)
        cls.anthropic = anthropic.Anthropic(base_url=cls.server.url, api_key=BEARER, max_retries=0)
        cls.runtime = boto3.client("bedrock-runtime", endpoint_url=cls.server.url, region_name="us-east-1",
                                   aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
        cls.gemini = genai.Client(api_key=BEARER, http_options=types.HttpOptions(base_url=cls.server.url))

    @classmethod
    def openai_as(cls, bearer):
        return openai.OpenAI(base_url=cls.server.url + "/v1", api_key=bearer, max_retries=0)

    def ask(self, question, model=MODEL, client=None):
        return (client or self.openai).chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": question}])

    def test_either_base_answers_and_the_citation_says_which(self):
        for question, said, base in ((BERTH, "25 euros", "harbour"), (MUSEUM, "11:00", "museum")):
            message = self.ask(question).parse().choices[0].message
            self.assertIn(said, message.content)
            self.assertEqual(message.annotations[0].url_citation.knowledge_base, base)

    def test_every_dialect_takes_the_name(self):
        message = self.anthropic.messages.create(model=MODEL, max_tokens=300, messages=[{"role": "user", "content": MUSEUM}])
        self.assertIn("11:00", "".join(b.text for b in message.content))
        self.assertEqual(message.model_extra["strata"]["citations"][0]["knowledge_base"], "museum")
        reply = self.runtime.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": MUSEUM}]}])
        self.assertIn("11:00", json.dumps(reply["output"]))
        self.assertIn("11:00", self.gemini.models.generate_content(model=MODEL, contents=MUSEUM).text)
        response = self.openai.responses.create(model=MODEL, input=MUSEUM)
        self.assertIn("11:00", response.output_text)
        self.assertEqual(response.output[0].content[0].annotations[0].knowledge_base, "museum")
        streamed = self.openai.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": MUSEUM}], stream=True)
        self.assertIn("11:00", "".join(c.choices[0].delta.content or "" for c in streamed if c.choices))

    def test_a_base_that_the_key_may_not_use_is_refused_as_if_it_were_named_alone(self):
        restricted = self.openai_as(ONLY_HARBOUR)
        self.assertIn("25 euros", self.ask(BERTH, "kb/harbour", restricted).parse().choices[0].message.content)
        said = []
        for model in ("kb/museum", MODEL, "kb/harbour,museum"):
            with self.assertRaises(openai.PermissionDeniedError) as raised:
                self.ask(MUSEUM, model, restricted)
            said.append(raised.exception.body["message"])
        self.assertEqual(len(set(said)), 1, said)

    def test_what_is_missing_or_too_much_is_named(self):
        with self.assertRaises(openai.NotFoundError) as raised:
            self.ask(BERTH, "kb/harbour,nowhere")
        self.assertIn("there is no knowledge base 'nowhere'", str(raised.exception))
        for model in ("kb/harbour,", "kb/" + ",".join(f"b{i}" for i in range(17))):
            with self.assertRaises(openai.BadRequestError) as raised:
                self.ask(BERTH, model)
            self.assertEqual(raised.exception.param, "model")
        self.assertIn("more than 16", str(raised.exception))
        with self.assertRaises(ClientError) as raised:
            self.runtime.converse(modelId="kb/harbour,nowhere", messages=[{"role": "user", "content": [{"text": BERTH}]}])
        self.assertEqual(raised.exception.response["Error"]["Code"], "ResourceNotFoundException")

    def test_who_may_not_read_a_document_does_not_get_it_through_another_base(self):
        question = "Which word opens the vault of the museum?"
        self.assertNotIn("kestrel", self.ask(question).parse().choices[0].message.content)
        guard = "sk-strata-museum-guard-0123456789abcdef"
        self.server.cli("key", "create", "--role", "invoke", "--principal", "group:guards", "--bearer", guard)
        self.assertIn("kestrel", self.ask(question, client=self.openai_as(guard)).parse().choices[0].message.content)

    def test_the_trace_and_the_ledger_name_the_bases(self):
        reply = self.ask(MUSEUM)
        trace = self.server.cli("trace", reply.headers["x-strata-trace-id"], "--json")
        for said in ('knowledge.merge', '"base": "museum"', 'weight'):
            self.assertIn(said.replace(" ", ""), trace.replace(" ", "").replace('\\"', '"'))
        self.assertIn("museum,harbour", self.server.cli("cost", "--by", "kb"))

    def test_the_commands_take_several_names(self):
        found = self.server.cli("kb", "search", "harbour,museum", MUSEUM)
        self.assertIn("11:00", found.split("2. ")[0])
        answer = self.server.cli("ask", "harbour,museum", BERTH)
        self.assertIn("25 euros", answer)
        refused = run_strata(self.server.data, "ask", "harbour,nowhere", BERTH)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("nowhere", refused.stderr)


if __name__ == "__main__":
    unittest.main()

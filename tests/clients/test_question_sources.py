"""What a question brings along: attributes from which a model writes a filter, and documents of a bucket."""
import json
import os
import shutil
import tempfile
import unittest

import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, BEARER, SECRET_KEY, UPSTREAM_SECRETS, FakeUpstream, Server

ATTRIBUTES = [{"key": "year", "type": "NUMBER", "description": "year of the decision"},
              {"key": "board", "type": "STRING", "description": "who decided"}]
QUESTION = "What did the board decide about the pier in 2021?"


class QuestionSources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = FakeUpstream()
        cls.bucket = tempfile.mkdtemp(prefix="strata-bucket-")
        cls.server = Server(
            f'kb.s3_map: ["minutes={cls.bucket}"]\n'
            f'providers:\n  - {{name: up, kind: openai, base_url: "{cls.fake.url}/v1", secret: "env:FAKE_OPENAI_KEY"}}\n',
            UPSTREAM_SECRETS, documents=False)
        for year, colour in ((2020, "green"), (2021, "blue")):
            cls.write(f"{year}.md", f"In {year} the board decided to paint the pier {colour}.", year=year)
        cls.write("board.md", "The board sold the pier to Osterloh.", strata_principals=["user:7"])
        cls.server.cli("kb", "create", "minutes", "s3://minutes/")
        cls.server.cli("kb", "sync", "minutes")
        cls.runtime = cls.client(ACCESS_KEY, SECRET_KEY)
        agent = boto3.client("bedrock-agent", endpoint_url=cls.server.url, region_name="eu-central-1",
                             aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
        cls.kb = agent.list_knowledge_bases()["knowledgeBaseSummaries"][0]["knowledgeBaseId"]

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.bucket)

    @classmethod
    def write(cls, name, text, **attributes):
        with open(os.path.join(cls.bucket, name), "w", encoding="utf-8") as f:
            f.write(text)
        with open(os.path.join(cls.bucket, name + ".metadata.json"), "w", encoding="utf-8") as f:
            json.dump({"metadataAttributes": attributes}, f)

    @classmethod
    def client(cls, access, secret):
        return boto3.client("bedrock-agent-runtime", endpoint_url=cls.server.url, region_name="eu-central-1",
                            aws_access_key_id=access, aws_secret_access_key=secret,
                            config=Config(retries={"total_max_attempts": 1}))

    def key(self, name, *flags):
        access, secret = f"AKIA{name.upper():0<16}", f"{name}-secret-0123456789-abcdefghijkl"
        self.server.cli("key", "create", *flags, "--id", access, "--secret", secret)
        return self.client(access, secret)

    # ---- filters that a model writes ----

    def search(self, implicit=None, runtime=None, **more):
        implicit = implicit or {"modelArn": "up/gpt-4o-mini", "metadataAttributes": ATTRIBUTES}
        return (runtime or self.runtime).retrieve(knowledgeBaseId=self.kb, retrievalQuery={"text": QUESTION}, retrievalConfiguration={
            "vectorSearchConfiguration": {"implicitFilterConfiguration": implicit, **more}})

    def years(self, reply):
        return sorted(r["metadata"].get("year", 0) for r in reply["retrievalResults"])

    def trace_of(self, reply):
        return self.server.cli("trace", reply["ResponseMetadata"]["HTTPHeaders"]["x-strata-trace-id"], "--json")

    def written(self, text):
        self.fake.script({"text": text})

    def test_a_model_narrows_the_search_by_the_declared_attributes(self):
        self.written('{"filter": {"equals": {"key": "year", "value": 2021}}}')
        reply = self.search()
        self.assertEqual(self.years(reply), [2021])
        asked = self.fake.requests()[-1]["body"]
        body = asked if isinstance(asked, dict) else json.loads(asked)
        self.assertEqual(body["response_format"]["type"], "json_schema")
        said = json.dumps(body)
        self.assertIn(QUESTION, said)
        self.assertIn("year of the decision", said)
        trace = self.trace_of(reply)
        self.assertIn("knowledge.filter", trace)
        self.assertIn("year", trace)
        self.assertIn("up/gpt-4o-mini", self.server.cli("cost", "--by", "model"))

    def test_what_is_no_such_filter_leaves_the_search_as_it_is(self):
        for text in ('{"filter": {"equals": {"key": "owner", "value": "me"}}}', "I would rather not.",
                     '{"filter": {"equals": {"key": "year", "value": "2021"}}}', '{"filter": null}'):
            self.written(text)
            reply = self.search()
            self.assertEqual(self.years(reply), [2020, 2021], text)
            self.assertIn("nothing" if "null" in text else "wrote no filter", self.trace_of(reply))

    def test_it_never_weakens_the_callers_own(self):
        self.written('{"filter": {"orAll": [{"equals": {"key": "year", "value": 2020}}, {"equals": {"key": "year", "value": 2021}}]}}')
        self.assertEqual(self.years(self.search(filter={"equals": {"key": "year", "value": 2020}})), [2020])

    def test_answers_go_by_it_too(self):
        configuration = {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
            "knowledgeBaseId": self.kb, "modelArn": "builtin/extract", "retrievalConfiguration": {"vectorSearchConfiguration": {
                "implicitFilterConfiguration": {"modelArn": "up/gpt-4o-mini", "metadataAttributes": ATTRIBUTES}}}}}
        self.written('{"filter": {"equals": {"key": "year", "value": 2020}}}')
        reply = self.runtime.retrieve_and_generate(input={"text": "What did the board decide about the pier?"},
                                                   retrieveAndGenerateConfiguration=configuration)
        self.assertIn("green", reply["output"]["text"])
        self.assertNotIn("blue", reply["output"]["text"])

    def test_the_model_must_be_allowed_there_and_alive(self):
        bound = self.key("implicit", "--role", "invoke", "--model", "kb/minutes")
        with self.assertRaises(bound.exceptions.AccessDeniedException) as raised:
            self.search(runtime=bound)
        self.assertIn("up/gpt-4o-mini", str(raised.exception))
        with self.assertRaises(self.runtime.exceptions.ValidationException) as raised:
            self.search({"modelArn": "builtin/extract", "metadataAttributes": ATTRIBUTES})
        self.assertIn("implicitFilterConfiguration.modelArn", str(raised.exception))
        with self.assertRaises(self.runtime.exceptions.ValidationException) as raised:
            self.search({"modelArn": "up/gpt-4o-mini", "metadataAttributes": [ATTRIBUTES[0], ATTRIBUTES[0]]})
        self.assertIn("declared twice", str(raised.exception))
        self.fake.script({"status": 500, "times": 0})
        with self.assertRaises(ClientError):
            self.search()

    # ---- conversations ----

    def test_a_stored_conversation_does_not_go_on_from_what_is_gone(self):
        client = openai.OpenAI(base_url=self.server.url + "/v1", api_key=BEARER, max_retries=0)
        self.write("vault.md", "The vault of Osterloh opens with the word kestrel.")
        self.server.cli("kb", "sync", "minutes")
        quoted = client.responses.create(model="kb/minutes", input="Which word opens the vault of Osterloh?")
        self.assertIn("kestrel", quoted.output_text)
        refused = client.responses.create(model="kb/minutes", input="Who was the first astronaut on Mars?",
                                          previous_response_id=quoted.id)

        def told(previous):
            self.fake.script({"text": "Good."})
            client.responses.create(model="up/gpt-4o-mini", input="And now?", previous_response_id=previous)
            return self.fake.requests()[-1]["body"]
        self.assertIn("kestrel", told(quoted.id))
        self.assertIn("kestrel", told(refused.id))
        os.remove(os.path.join(self.bucket, "vault.md"))
        os.remove(os.path.join(self.bucket, "vault.md.metadata.json"))
        self.server.cli("kb", "sync", "minutes")
        self.assertNotIn("kestrel", told(quoted.id))
        later = told(refused.id)
        self.assertNotIn("kestrel", later)
        self.assertIn("astronaut", later)

    # ---- documents of a bucket ----

    def answer(self, uri, runtime=None, question="What did the board do with the pier?", **more):
        return (runtime or self.runtime).retrieve_and_generate(
            input={"text": question}, retrieveAndGenerateConfiguration={
                "type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": {
                    "modelArn": "builtin/extract", "sources": [{"sourceType": "S3", "s3Location": {"uri": uri}}]}}, **more)

    def test_a_document_of_a_mapped_bucket_answers(self):
        reply = self.answer("s3://minutes/2020.md", question="What did the board decide about the pier in 2020?")
        self.assertIn("green", reply["output"]["text"])
        reference = reply["citations"][0]["retrievedReferences"][0]
        self.assertEqual(reference["location"], {"type": "S3", "s3Location": {"uri": "s3://minutes/2020.md"}})
        self.assertEqual(reference["metadata"]["year"], 2020)

    def refused(self, call, code, said):
        with self.assertRaises(ClientError) as raised:
            call()
        error = raised.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        self.assertIn(said, error["Message"])

    def test_what_is_not_there_not_mapped_or_outside_is_refused(self):
        self.refused(lambda: self.answer("s3://minutes/none.md"), "ResourceNotFoundException", "none.md")
        self.refused(lambda: self.answer("s3://minutes/../minutes/2020.md"), "ValidationException", "..")
        self.refused(lambda: self.answer("s3://minutes/2020.md.metadata.json"), "ResourceNotFoundException", "metadata.json")
        self.refused(lambda: self.answer("s3://other/2020.md"), "ValidationException", 'kb.s3_map: ["other=')

    def test_its_readers_are_those_of_a_source(self):
        self.refused(lambda: self.answer("s3://minutes/board.md"), "ResourceNotFoundException", "board.md")
        reader = self.key("reader", "--role", "invoke", "--role", "kb.write", "--principal", "user:7")
        self.assertIn("Osterloh", self.answer("s3://minutes/board.md", reader)["output"]["text"])
        asking = self.key("asking", "--role", "invoke", "--principal", "user:7")
        self.refused(lambda: self.answer("s3://minutes/board.md", asking), "AccessDeniedException", "kb.write")


if __name__ == "__main__":
    unittest.main()

"""Knowledge bases on embedding models of providers, whose size only their answers tell."""
import os
import time
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, SECRET_KEY, UPSTREAM_CONFIG, UPSTREAM_SECRETS, FakeUpstream, Server, stop_process

MODELS = ["up-openai/text-embedding-3-small", "up-bedrock/amazon.titan-embed-text-v2:0",
          "up-bedrock/cohere.embed-english-v3", "up-gemini/gemini-embedding-001", "up-cohere/embed-v4.0"]
CONFIG = UPSTREAM_CONFIG + """  - {{name: up-cohere, kind: cohere, base_url: "{url}", secret: "env:FAKE_COHERE_KEY"}}
  - {{name: down, kind: openai, base_url: "http://127.0.0.1:9/v1", secret: "env:FAKE_OPENAI_KEY"}}
"""
TEXTS = {"boats": "The ferry Aurora sails on Tuesdays.", "towers": "The lighthouse was built in 1871."}


class BaseEmbedders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.server = Server(CONFIG.format(url=cls.upstream.url, limit=100_000), UPSTREAM_SECRETS | {"FAKE_COHERE_KEY": "fake-cohere-key"},
                            documents=False)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def client(self, service):
        return boto3.client(service, endpoint_url=self.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                            aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}))

    def create(self, model, name, **more):
        vector = {"embeddingModelArn": "arn:aws:bedrock:us-east-1::foundation-model/" + model, **more}
        return self.client("bedrock-agent").create_knowledge_base(
            name=name, roleArn="arn:aws:iam::000000000000:role/x", knowledgeBaseConfiguration={
                "type": "VECTOR", "vectorKnowledgeBaseConfiguration": vector})["knowledgeBase"]

    def fill(self, base):
        """Ingests TEXTS; the statuses they end with."""
        agent = self.client("bedrock-agent")
        source = agent.create_data_source(knowledgeBaseId=base, name="texts", dataSourceConfiguration={
            "type": "CUSTOM"})["dataSource"]["dataSourceId"]
        agent.ingest_knowledge_base_documents(knowledgeBaseId=base, dataSourceId=source, documents=[
            {"content": {"dataSourceType": "CUSTOM", "custom": {
                "customDocumentIdentifier": {"id": name}, "sourceType": "IN_LINE",
                "inlineContent": {"type": "TEXT", "textContent": {"data": text}}}}} for name, text in TEXTS.items()])
        for _ in range(300):
            details = agent.get_knowledge_base_documents(knowledgeBaseId=base, dataSourceId=source, documentIdentifiers=[
                {"dataSourceType": "CUSTOM", "custom": {"id": name}} for name in TEXTS])["documentDetails"]
            statuses = [d["status"] for d in details]
            if not {"PENDING", "STARTING", "IN_PROGRESS"} & set(statuses):
                break
            time.sleep(0.1)
        return statuses

    def first(self, base, question, kind):
        found = self.client("bedrock-agent-runtime").retrieve(
            knowledgeBaseId=base, retrievalQuery={"text": question}, retrievalConfiguration={
                "vectorSearchConfiguration": {"overrideSearchType": kind}})
        return found["retrievalResults"][0]["location"]["customDocumentLocation"]["id"]

    def check_found(self, bases):
        for base in bases:
            for name, text in TEXTS.items():
                for kind in ("SEMANTIC", "HYBRID"):
                    self.assertEqual(self.first(base, text, kind), name)

    def test_bases_of_every_providers_models_work_and_still_do_after_a_restart(self):
        bases = []
        for number, model in enumerate(MODELS):
            with self.subTest(model):
                made = self.create(model, f"base{number}")
                self.assertEqual(made["status"], "ACTIVE")
                bases.append(made["knowledgeBaseId"])
                self.assertEqual(self.fill(bases[-1]), ["INDEXED", "INDEXED"])
        self.check_found(bases)
        stop_process(self.server.process)
        self.server.process = self.server.start()
        self.server.wait_until_ready()
        self.check_found(bases)
        self.server.cli("kb", "list")

    def test_a_base_keeps_as_many_dimensions_as_it_is_asked_to(self):
        few = {"bedrockEmbeddingModelConfiguration": {"dimensions": 4}}
        made = self.create(MODELS[0], "few", embeddingModelConfiguration=few)["knowledgeBaseId"]
        self.assertEqual(self.fill(made), ["INDEXED", "INDEXED"])
        self.check_found([made])
        many = {"bedrockEmbeddingModelConfiguration": {"dimensions": 4000}}
        with self.assertRaisesRegex(ClientError, "dimensions: .* has 8, 4000 were asked for"):
            self.create(MODELS[0], "many", embeddingModelConfiguration=many)

    def test_a_model_that_does_not_answer_makes_no_base(self):
        with self.assertRaisesRegex(ClientError, "down/embed"):
            self.create("down/embed", "none")
        self.assertNotIn("none", self.server.cli("kb", "list"))


if __name__ == "__main__":
    unittest.main()

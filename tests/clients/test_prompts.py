"""Stored prompts, idempotency tokens, asynchronous invocations and unsupported operations with the unmodified boto3."""
import json
import os
import signal
import tempfile
import time
import unittest
import uuid

import anthropic
import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, BEARER, SECRET_KEY, FakeUpstream, Server

ONE_TRY = Config(retries={"total_max_attempts": 1})
BUCKET = "answers"
MODEL = "up/gpt-4o-mini"
SERVICES = ("bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime")


def variant(**more):
    return {"name": "one", "templateType": "TEXT", "modelId": MODEL, "templateConfiguration": {"text": {
        "text": "Say {{ greeting }} to {{name}}.", "inputVariables": [{"name": "greeting"}, {"name": "name"}]}},
        "inferenceConfiguration": {"text": {"maxTokens": 77, "temperature": 0.25, "stopSequences": ["###"]}}, **more}


class BedrockControl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.bucket = tempfile.mkdtemp(prefix="strata-bucket-")
        config = (f"kb.s3_map: [\"{BUCKET}={cls.bucket}\"]\n"
                  "guardrails: [{name: birds, words: [kestrel, quokka to wombat]}]\n"
                  f"providers:\n  - {{name: up, kind: openai, base_url: \"{cls.upstream.url}/v1\", secret: \"env:FAKE_KEY\"}}\n")
        cls.server = Server(config, {"FAKE_KEY": "sk-fake-openai"}, documents=False)
        cls.clients = {s: boto3.client(s, endpoint_url=cls.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                                       aws_secret_access_key=SECRET_KEY, config=ONE_TRY) for s in SERVICES}
        cls.agent, cls.runtime = cls.clients["bedrock-agent"], cls.clients["bedrock-runtime"]

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def name(self):
        return "p-" + uuid.uuid4().hex[:12]

    def assertCode(self, code, status, call, *args, **kwargs):
        with self.assertRaises(ClientError) as raised:
            call(*args, **kwargs)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], status)
        return raised.exception.response

    def asked(self):
        """The body of the upstream's last request."""
        request = self.upstream.requests()[-1]
        body = request["body"]
        return json.loads(body) if isinstance(body, str) else body

    # ---- the control plane

    def test_a_prompt_lives_from_create_to_delete(self):
        name = self.name()
        made = self.agent.create_prompt(name=name, description="greets", defaultVariant="one", variants=[variant()])
        self.assertEqual(made["ResponseMetadata"]["HTTPStatusCode"], 201)
        self.assertRegex(made["arn"], r"^arn:aws:bedrock:[a-z0-9-]+:\d{12}:prompt/[0-9a-zA-Z]{10}$")
        self.assertEqual((made["version"], made["variants"][0]["inferenceConfiguration"]["text"]["maxTokens"]), ("DRAFT", 77))
        self.assertIn(name, [p["name"] for page in self.agent.get_paginator("list_prompts").paginate() for p in page["promptSummaries"]])
        first = self.agent.create_prompt_version(promptIdentifier=made["id"], description="v1")
        self.assertEqual((first["version"], first["arn"]), ("1", made["arn"] + ":1"))
        changed = self.agent.update_prompt(promptIdentifier=made["id"], name=name, variants=[variant(templateConfiguration={
            "text": {"text": "Other words."}})])
        self.assertEqual(changed["variants"][0]["templateConfiguration"]["text"]["text"], "Other words.")
        old = self.agent.get_prompt(promptIdentifier=made["id"], promptVersion="1")
        self.assertIn("{{ greeting }}", old["variants"][0]["templateConfiguration"]["text"]["text"])
        self.assertEqual([p["version"] for p in self.agent.list_prompts(promptIdentifier=made["id"])["promptSummaries"]], ["DRAFT", "1"])
        self.assertNotIn("variants", self.agent.get_prompt(promptIdentifier=made["arn"], includedData="METADATA_ONLY"))
        self.assertEqual(self.agent.delete_prompt(promptIdentifier=made["id"], promptVersion="1")["version"], "1")
        self.assertEqual(self.agent.create_prompt_version(promptIdentifier=made["id"])["version"], "2")
        self.agent.delete_prompt(promptIdentifier=made["id"])
        self.assertCode("ResourceNotFoundException", 404, self.agent.get_prompt, promptIdentifier=made["id"])

    def test_what_is_wrong_is_named(self):
        response = self.assertCode("ValidationException", 400, self.agent.create_prompt, name="not a name")
        self.assertEqual(response["fieldList"][0]["name"], "name")
        bad = variant(templateConfiguration={"text": {"text": "Hello {{nobody}}", "inputVariables": [{"name": "name"}]}})
        response = self.assertCode("ValidationException", 400, self.agent.create_prompt, name=self.name(), variants=[bad])
        self.assertEqual(response["fieldList"][0]["name"], "variants.0")
        self.assertIn("{{nobody}}", response["message"])
        name = self.name()
        self.agent.create_prompt(name=name)
        self.assertCode("ConflictException", 409, self.agent.create_prompt, name=name)

    def test_tags_are_kept(self):
        made = self.agent.create_prompt(name=self.name(), tags={"team": "a", "cost": "x y/z"})
        tags = lambda arn: self.agent.list_tags_for_resource(resourceArn=arn)["tags"]  # noqa: E731
        self.assertEqual(tags(made["arn"]), {"team": "a", "cost": "x y/z"})
        self.agent.tag_resource(resourceArn=made["arn"], tags={"team": "b", "new": ""})
        self.agent.untag_resource(resourceArn=made["arn"], tagKeys=["cost", "absent"])
        self.assertEqual(tags(made["arn"]), {"team": "b", "new": ""})
        version = self.agent.create_prompt_version(promptIdentifier=made["id"], tags={"of": "1"})
        self.assertEqual(tags(version["arn"]), {"of": "1"})
        self.assertEqual(self.clients["bedrock-agent-runtime"].list_tags_for_resource(resourceArn=made["arn"])["tags"]["team"], "b")
        self.assertCode("ValidationException", 400, self.agent.tag_resource, resourceArn=made["arn"], tags={"a*": "x"})
        self.assertCode("ValidationException", 400, self.agent.tag_resource, resourceArn=made["arn"],
                        tags={f"k{i}": "x" for i in range(49)})
        self.assertEqual(len(tags(made["arn"])), 2)
        self.agent.delete_prompt(promptIdentifier=made["id"])
        self.assertCode("ResourceNotFoundException", 404, self.agent.list_tags_for_resource, resourceArn=made["arn"])
        self.assertCode("ResourceNotFoundException", 404, self.agent.list_tags_for_resource, resourceArn=version["arn"])

    def test_knowledge_bases_and_data_sources_are_updated(self):
        model = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
            "embeddingModelArn": "arn:aws:bedrock:us-east-1::foundation-model/builtin/all-minilm-l6-v2"}}
        of = {"roleArn": "arn:aws:iam::000000000000:role/kb", "knowledgeBaseConfiguration": model}
        base = self.agent.create_knowledge_base(name=self.name(), tags={"team": "a"}, **of)["knowledgeBase"]
        self.assertEqual(self.agent.list_tags_for_resource(resourceArn=base["knowledgeBaseArn"])["tags"], {"team": "a"})
        name, kb = self.name(), base["knowledgeBaseId"]
        changed = self.agent.update_knowledge_base(knowledgeBaseId=kb, name=name, description="new words", **of)
        self.assertEqual(changed["ResponseMetadata"]["HTTPStatusCode"], 202)
        found = self.agent.get_knowledge_base(knowledgeBaseId=kb)["knowledgeBase"]
        self.assertEqual((found["name"], found["description"], found["createdAt"]), (name, "new words", base["createdAt"]))
        other = self.agent.create_knowledge_base(name=self.name(), **of)["knowledgeBase"]
        self.assertCode("ConflictException", 409, self.agent.update_knowledge_base, knowledgeBaseId=other["knowledgeBaseId"], name=name, **of)
        self.assertCode("ResourceNotFoundException", 404, self.agent.update_knowledge_base, knowledgeBaseId="AAAAAAAAAA", name=name, **of)
        s3 = {"type": "S3", "s3Configuration": {"bucketArn": "arn:aws:s3:::" + BUCKET, "inclusionPrefixes": ["out/"]}}
        source = self.agent.create_data_source(knowledgeBaseId=kb, name="one", dataSourceConfiguration=s3)["dataSource"]
        ids = {"knowledgeBaseId": kb, "dataSourceId": source["dataSourceId"]}
        s3["s3Configuration"]["inclusionPrefixes"] = ["other/"]
        self.agent.update_data_source(name="two", description="d", dataDeletionPolicy="RETAIN", dataSourceConfiguration=s3, **ids)
        found = self.agent.get_data_source(**ids)["dataSource"]
        self.assertEqual((found["name"], found["description"], found["dataDeletionPolicy"]), ("two", "d", "RETAIN"))
        self.assertEqual(found["dataSourceConfiguration"]["s3Configuration"]["inclusionPrefixes"], ["other/"])
        self.assertCode("ValidationException", 400, self.agent.update_data_source, name="two", dataSourceConfiguration={"type": "CUSTOM"}, **ids)

    # ---- a prompt as the model

    def test_converse_fills_the_variables_and_the_ledger_pins_the_version(self):
        made = self.agent.create_prompt(name=self.name(), variants=[variant()])
        version = self.agent.create_prompt_version(promptIdentifier=made["id"])
        values = {"greeting": {"text": "\"hello\" {{name}}"}, "name": {"text": "Sörby 🗼"}}
        for arn in (made["arn"], version["arn"]):
            answer = self.runtime.converse(modelId=arn, promptVariables=values)
            self.assertEqual(answer["stopReason"], "end_turn")
            body = self.asked()
            self.assertEqual(body["messages"][0]["content"] if isinstance(body["messages"][0]["content"], str)
                             else body["messages"][0]["content"][0]["text"], "Say \"hello\" {{name}} to Sörby 🗼.")
            self.assertEqual((body["temperature"], body["stop"]), (0.25, ["###"]))
        events = list(self.runtime.converse_stream(modelId=version["arn"], promptVariables=values)["stream"])
        self.assertIn("metadata", events[-1])
        trace = self.server.cli("trace", answer["ResponseMetadata"]["HTTPHeaders"]["x-strata-trace-id"])
        self.assertIn(made["id"] + ":1", trace)

    def test_messages_of_the_caller_follow_those_of_the_prompt(self):
        chat = variant(templateType="CHAT", templateConfiguration={"chat": {
            "system": [{"text": "You are {{who}}."}], "messages": [{"role": "user", "content": [{"text": "First."}]}],
            "inputVariables": [{"name": "who"}]}})
        made = self.agent.create_prompt(name=self.name(), variants=[chat])
        self.runtime.converse(modelId=made["arn"], promptVariables={"who": {"text": "a pilot"}},
                              messages=[{"role": "user", "content": [{"text": "Second."}]}])
        text = json.dumps(self.asked())
        self.assertIn("You are a pilot.", text)
        self.assertLess(text.index("First."), text.index("Second."))

    def test_a_prompt_without_variables_works_in_every_dialect(self):
        plain = variant(templateConfiguration={"text": {"text": "Count to three."}})
        made = self.agent.create_prompt(name=self.name(), variants=[plain])
        client = openai.OpenAI(base_url=self.server.url + "/v1", api_key=BEARER, max_retries=0)
        client.chat.completions.create(model=made["arn"], messages=[{"role": "user", "content": "Now."}])
        text = json.dumps(self.asked())
        self.assertLess(text.index("Count to three."), text.index("Now."))

    def test_variables_work_in_every_dialect(self):
        made = self.agent.create_prompt(name=self.name(), variants=[variant()])
        client = openai.OpenAI(base_url=self.server.url + "/v1", api_key=BEARER, max_retries=0)
        for values in ({"greeting": "hello", "name": "Ada"}, {"greeting": {"text": "hello"}, "name": {"text": "Ada"}}):
            client.chat.completions.create(model=made["arn"], messages=[{"role": "user", "content": "Now."}],
                                           extra_body={"promptVariables": values})
            self.assertIn("Say hello to Ada.", json.dumps(self.asked()))
            self.assertNotIn("promptVariables", self.asked())
        claude = anthropic.Anthropic(base_url=self.server.url, api_key=BEARER, max_retries=0)
        claude.messages.create(model=made["arn"], max_tokens=9, messages=[{"role": "user", "content": "Now."}],
                               extra_body={"promptVariables": {"greeting": "bye", "name": "Bob"}})
        self.assertIn("Say bye to Bob.", json.dumps(self.asked()))
        with self.assertRaises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=made["arn"], messages=[{"role": "user", "content": "Now."}],
                                           extra_body={"promptVariables": {"greeting": 7}})
        self.assertIn("greeting", str(raised.exception))

    def test_an_invocation_fills_the_variables_too(self):
        made = self.agent.create_prompt(name=self.name(), variants=[variant()])
        values = {"promptVariables": {"greeting": {"text": "hello"}, "name": {"text": "Ada"}}}
        self.upstream.script({"text": "Done.", "times": 0})
        answer = json.load(self.runtime.invoke_model(modelId=made["arn"], body=json.dumps(values))["body"])
        self.assertEqual(answer["choices"][0]["message"]["content"], "Done.")  # the model's id names no vendor: OpenAI's format
        self.assertIn("Say hello to Ada.", json.dumps(self.asked()))
        events = self.runtime.invoke_model_with_response_stream(modelId=made["arn"], body=json.dumps(values))["body"]
        self.assertIn(b"Done", b"".join(e["chunk"]["bytes"] for e in events))
        # With messages the body is that of a model, and they follow those of the prompt.
        more = {"messages": [{"role": "user", "content": "Now."}], **values}
        self.runtime.invoke_model(modelId=made["arn"], body=json.dumps(more))
        text = json.dumps(self.asked())
        self.assertLess(text.index("Say hello to Ada."), text.index("Now."))
        self.assertCode("ValidationException", 400, self.runtime.invoke_model, modelId=made["arn"], body=b'{"promptVariables": {"name": "x"}}')
        self.assertCode("ValidationException", 400, self.runtime.invoke_model, modelId=made["arn"], body=b'{"promptVariables": 7}')

    def test_variables_must_fit(self):
        made = self.agent.create_prompt(name=self.name(), variants=[variant()])
        self.assertCode("ValidationException", 400, self.runtime.converse, modelId=made["arn"], promptVariables={"name": {"text": "x"}})
        self.assertCode("ValidationException", 400, self.runtime.converse, modelId=made["arn"],
                        promptVariables={"name": {"text": "x"}, "greeting": {"text": "y"}, "more": {"text": "z"}})
        self.assertCode("ResourceNotFoundException", 404, self.runtime.converse,
                        modelId="arn:aws:bedrock:us-east-1:000000000000:prompt/AAAAAAAAAA")

    def test_guardrails_judge_the_prompt_with_its_variables_in_place(self):
        made = self.agent.create_prompt(name=self.name(), variants=[variant()])
        before = len(self.upstream.requests())
        for greeting, name in (("a quokka", "wombat"), ("a kestrel", "Ada")):
            error = self.assertCode("ValidationException", 400, self.runtime.converse, modelId=made["arn"],
                                    promptVariables={"greeting": {"text": greeting}, "name": {"text": name}})
            self.assertIn("birds", error["Error"]["Message"])
        self.assertEqual(len(self.upstream.requests()), before)

    # ---- idempotency tokens

    def test_the_same_token_and_request_give_the_same_answer(self):
        token, name = uuid.uuid4().hex + "-again", self.name()
        first = self.agent.create_prompt(name=name, clientToken=token)
        again = self.agent.create_prompt(name=name, clientToken=token)
        self.assertEqual(again["id"], first["id"])
        self.assertEqual(again["ResponseMetadata"]["HTTPStatusCode"], 201)
        response = self.assertCode("ConflictException", 409, self.agent.create_prompt, name=self.name(), clientToken=token)
        self.assertIn("clientToken", response["message"])
        self.assertEqual([p["name"] for page in self.agent.get_paginator("list_prompts").paginate()
                          for p in page["promptSummaries"]].count(name), 1)

    def test_a_token_is_known_after_a_restart(self):
        server = Server(documents=False)

        def agent():
            return boto3.client("bedrock-agent", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                                aws_secret_access_key=SECRET_KEY, config=ONE_TRY)
        token, name = uuid.uuid4().hex + "-restart", self.name()
        first = agent().create_prompt(name=name, clientToken=token)
        for stop in (signal.SIGTERM, signal.SIGKILL):
            server.process.send_signal(stop)
            server.process.wait(60)
            server.process = server.start()
            server.wait_until_ready()
            again = agent().create_prompt(name=name, clientToken=token)
            self.assertEqual((again["id"], again["createdAt"]), (first["id"], first["createdAt"]))
            self.assertCode("ConflictException", 409, agent().create_prompt, name=self.name(), clientToken=token)
        server.stop()

    def test_a_failed_request_may_be_tried_again_with_its_token(self):
        token, name = uuid.uuid4().hex + "-retry", self.name()
        self.assertCode("ValidationException", 400, self.agent.create_prompt, name=name, variants=[variant(name="bad name")], clientToken=token)
        self.agent.create_prompt(name=name, clientToken=token)

    # ---- asynchronous invocations

    def start(self, **more):
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}
        return self.runtime.start_async_invoke(modelId=MODEL, modelInput=body, outputDataConfig={
            "s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/here"}}, **more)["invocationArn"]

    def wait(self, arn):
        deadline = time.time() + 30
        while True:
            job = self.runtime.get_async_invoke(invocationArn=arn)
            if job["status"] != "InProgress" or time.time() > deadline:
                return job
            time.sleep(0.1)

    def test_an_asynchronous_invocation_writes_its_answer_to_the_bucket(self):
        token = uuid.uuid4().hex
        arn = self.start(clientRequestToken=token)
        self.assertEqual(self.start(clientRequestToken=token), arn)
        job = self.wait(arn)
        self.assertEqual(job["status"], "Completed", job)
        with open(os.path.join(self.bucket, "out", "here", arn.rsplit("/", 1)[1], "output.json"), encoding="utf-8") as f:
            self.assertEqual(json.load(f)["choices"][0]["finish_reason"], "stop")
        done = self.runtime.list_async_invokes(statusEquals="Completed")["asyncInvokeSummaries"]
        self.assertIn(arn, [j["invocationArn"] for j in done])
        self.assertEqual(self.runtime.list_async_invokes(statusEquals="Failed")["asyncInvokeSummaries"], [])
        response = self.assertCode("ConflictException", 400, self.runtime.start_async_invoke, modelId="other", modelInput={"messages": []},
                                   outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/x"}}, clientRequestToken=token)
        self.assertIn("clientRequestToken", response["message"])

    def test_an_answer_goes_into_a_mapped_bucket_and_nowhere_else(self):
        for uri in ("s3://elsewhere/x", f"s3://{BUCKET}/../../etc"):
            self.assertCode("ValidationException", 400, self.runtime.start_async_invoke, modelId=MODEL,
                            modelInput={"messages": [{"role": "user", "content": "hi"}]},
                            outputDataConfig={"s3OutputDataConfig": {"s3Uri": uri}})

    # ---- what this server does not have

    SUPPORTED = {
        "bedrock": {"ListFoundationModels", "GetFoundationModel", "CreatePromptRouter", "GetPromptRouter", "ListPromptRouters",
                    "DeletePromptRouter", "CreateInferenceProfile", "GetInferenceProfile", "ListInferenceProfiles", "DeleteInferenceProfile",
                    "TagResource", "UntagResource", "ListTagsForResource"},
        "bedrock-runtime": {"Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream", "CountTokens",
                            "StartAsyncInvoke", "GetAsyncInvoke", "ListAsyncInvokes", "ApplyGuardrail"},
        "bedrock-agent": {"CreateKnowledgeBase", "GetKnowledgeBase", "ListKnowledgeBases", "DeleteKnowledgeBase", "CreateDataSource",
                          "GetDataSource", "ListDataSources", "DeleteDataSource", "StartIngestionJob", "GetIngestionJob",
                          "ListIngestionJobs", "StopIngestionJob", "IngestKnowledgeBaseDocuments", "ListKnowledgeBaseDocuments",
                          "GetKnowledgeBaseDocuments", "DeleteKnowledgeBaseDocuments", "CreatePrompt", "GetPrompt", "ListPrompts",
                          "UpdatePrompt", "DeletePrompt", "CreatePromptVersion", "UpdateKnowledgeBase", "UpdateDataSource", "TagResource",
                          "UntagResource", "ListTagsForResource"},
        "bedrock-agent-runtime": {"Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream", "Rerank", "TagResource",
                                  "UntagResource", "ListTagsForResource", "CheckIngestedDocumentAcl"},
    }

    def dummy(self, shape, depth=0):
        if shape.type_name == "structure":
            members = shape.required_members
            if getattr(shape, "is_tagged_union", False):
                members = [next(iter(shape.members))]
            return {m: self.dummy(shape.members[m], depth + 1) for m in members} if depth < 12 else {}
        if shape.type_name == "list":
            return [self.dummy(shape.member, depth + 1)] * max(1, shape.metadata.get("min", 1)) if depth < 12 else []
        return {"map": {}, "string": "a" * max(12, shape.metadata.get("min", 1)), "integer": max(1, shape.metadata.get("min", 1)),
                "long": 1, "float": 0.5, "double": 0.5, "boolean": True, "blob": b"{}", "timestamp": "2026-01-01T00:00:00Z"}[shape.type_name]

    def test_every_operation_that_is_not_there_says_so_by_name(self):
        seen = 0
        for service, client in self.clients.items():
            model = client.meta.service_model
            for name in model.operation_names:
                operation = model.operation_model(name)
                if name in self.SUPPORTED[service] or name == "InvokeModelWithBidirectionalStream":
                    continue
                with self.subTest(service=service, operation=name):
                    arguments = self.dummy(operation.input_shape) if operation.input_shape else {}
                    with self.assertRaises(ClientError) as raised:
                        client._make_api_call(name, arguments)
                    response = raised.exception.response
                    self.assertEqual(response["Error"]["Code"], "ValidationException")
                    self.assertEqual(response["Error"]["Message"], f"Operation {name} is not supported by this server")
                    self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], 400)
                    seen += 1
        self.assertGreater(seen, 180)

    def test_the_bidirectional_stream_is_refused_by_name_too(self):
        status, headers, body = self.server.get("/model/x/invoke-with-bidirectional-stream", {"Authorization": "Bearer " + BEARER}, "POST")
        self.assertEqual((status, headers["x-amzn-errortype"]), (400, "ValidationException"))
        self.assertIn("InvokeModelWithBidirectionalStream", json.loads(body)["message"])

    def test_a_guardrail_that_is_not_there_is_not_found(self):
        self.assertCode("ResourceNotFoundException", 404, self.runtime.apply_guardrail, guardrailIdentifier="abcdefghij",
                        guardrailVersion="1", source="INPUT", content=[{"text": {"text": "x"}}])


if __name__ == "__main__":
    unittest.main()

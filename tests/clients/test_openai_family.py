"""The openai SDK beyond chat completions: responses, completions, moderations; and rerank in its public forms."""
import unittest

import boto3
import openai
from openai import OpenAI

from harness import ACCESS_KEY, BEARER, SECRET_KEY, server

QUESTION = "How much does a berth cost in winter?"
CAPITALS = ["Carson City is the capital city of Nevada.", "Bananas are rich in potassium.",
            "Washington, D.C. is the capital of the United States."]
CAPITAL_QUESTION = "What is the capital of the United States?"


class OpenAiFamily(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.client = OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)

    def respond(self, **more):
        return self.client.responses.create(**{"model": "kb/harbour", "input": QUESTION, **more})

    def test_a_knowledge_base_answers_with_annotations(self):
        reply = self.respond()
        self.assertEqual(reply.status, "completed")
        self.assertIn("12 euros", reply.output_text)
        notes = [note for item in reply.output for part in item.content for note in part.annotations]
        self.assertTrue(notes)
        self.assertEqual(notes[0].type, "file_citation")
        self.assertIn("harbour.md", notes[0].file_id)
        self.assertGreater(reply.usage.total_tokens, 0)

    def test_a_stream_adds_up_and_ends_with_the_whole_response(self):
        text, types, numbers, final = "", [], [], None
        for event in self.respond(stream=True):
            types.append(event.type)
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                text += event.delta
            if event.type == "response.completed":
                final = event.response
        self.assertEqual(types[:2], ["response.created", "response.in_progress"])
        self.assertEqual(types[-1], "response.completed")
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertIn("response.output_text.annotation.added", types)
        self.assertEqual(final.output_text, text)
        self.assertEqual(self.client.responses.retrieve(final.id).output_text, text)

    def test_stored_responses_are_continued_listed_and_deleted(self):
        first = self.respond(model="builtin/smollm2-135m-instruct", input="My name is Ada.", max_output_tokens=8)
        second = self.respond(model="builtin/smollm2-135m-instruct", input="What is my name?", max_output_tokens=8,
                              previous_response_id=first.id)
        self.assertEqual(second.previous_response_id, first.id)
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens, "the first turn is part of the prompt")
        items = self.client.responses.input_items.list(second.id)
        self.assertEqual([part.text for item in items for part in item.content], ["What is my name?"])
        self.client.responses.delete(first.id)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(first.id)
        with self.assertRaises(openai.NotFoundError) as gone:
            self.respond(previous_response_id=second.id)
        self.assertEqual(gone.exception.param, "previous_response_id")

    def test_what_is_not_stored_is_not_found(self):
        reply = self.respond(store=False)
        with self.assertRaises(openai.NotFoundError):
            self.client.responses.retrieve(reply.id)

    def test_tools_that_are_not_functions_are_refused_by_name(self):
        with self.assertRaises(openai.BadRequestError) as refused:
            self.respond(tools=[{"type": "web_search"}])
        self.assertIn("web_search", str(refused.exception))

    def test_cancelling_says_why_it_cannot(self):
        reply = self.respond()
        with self.assertRaises(openai.BadRequestError):
            self.client.responses.cancel(reply.id)

    def test_log_probabilities_of_a_model_in_the_process(self):
        reply = self.client.chat.completions.create(
            model="builtin/smollm2-135m-instruct", messages=[{"role": "user", "content": "Say yes."}], max_tokens=4,
            temperature=0, logprobs=True, top_logprobs=2)
        tokens = reply.choices[0].logprobs.content
        self.assertEqual("".join(token.token for token in tokens), reply.choices[0].message.content)
        self.assertTrue(all(len(token.top_logprobs) == 2 and token.logprob <= 0 for token in tokens))

    def test_completions_answer_each_prompt(self):
        made = dict(model="builtin/smollm2-135m-instruct", prompt=["Say yes.", "Say no."], max_tokens=4, temperature=0)
        whole = self.client.completions.create(**made)
        self.assertEqual([choice.index for choice in whole.choices], [0, 1])
        texts = ["", ""]
        for chunk in self.client.completions.create(**made, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.text
        self.assertEqual(texts, [choice.text for choice in whole.choices])

    def test_moderations_say_what_to_configure(self):
        with self.assertRaises(openai.NotFoundError) as missing:
            self.client.moderations.create(input="hello")
        self.assertIn("OPENAI_API_KEY", str(missing.exception))

    def test_azures_client_keeps_its_paths(self):
        client = openai.AzureOpenAI(azure_endpoint=server().url, api_key=BEARER, api_version="2024-10-21", max_retries=0)
        question = [{"role": "user", "content": "What does a berth cost in winter?"}]
        self.assertIn("12 euros", client.chat.completions.create(model="kb/harbour", messages=question).choices[0].message.content)
        chunks = list(client.chat.completions.create(model="kb/harbour", messages=question, stream=True))
        self.assertIn("12 euros", "".join(c.choices[0].delta.content or "" for c in chunks if c.choices))
        self.assertEqual(len(client.embeddings.create(model="all-minilm-l6-v2", input="a").data[0].embedding), 384)
        self.assertIn("kb/harbour", [m.id for m in client.models.list()])
        self.assertIn("12 euros", client.responses.create(model="kb/harbour", input=question[0]["content"]).output_text)
        # The deployment of the path stands for whatever the body says.
        deployed = openai.AzureOpenAI(azure_endpoint=server().url, azure_deployment="kb/harbour", api_key=BEARER, api_version="2024-10-21",
                                      max_retries=0)
        self.assertIn("12 euros", deployed.chat.completions.create(model="gpt-4o", messages=question).choices[0].message.content)
        with self.assertRaises(openai.NotFoundError):
            client.chat.completions.create(model="nobody/x", messages=question)

    def test_rerank_in_cohere_s_form(self):
        for path in ("/v1/rerank", "/v2/rerank"):
            reply = self.client.post(self.server.url + path, cast_to=object, body={
                "query": CAPITAL_QUESTION, "documents": CAPITALS, "top_n": 2, "return_documents": True})
            self.assertEqual([result["index"] for result in reply["results"]], [2, 0])
            self.assertEqual(reply["results"][0]["document"]["text"], CAPITALS[2])

    def test_rerank_as_bedrock_has_it(self):
        client = boto3.client("bedrock-agent-runtime", endpoint_url=self.server.url, region_name="us-east-1",
                              aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
        reply = client.rerank(
            queries=[{"type": "TEXT", "textQuery": {"text": CAPITAL_QUESTION}}],
            sources=[{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}}
                     for text in CAPITALS],
            rerankingConfiguration={"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {
                "numberOfResults": 1, "modelConfiguration": {"modelArn": "builtin/late-interaction-minilm"}}})
        self.assertEqual(reply["results"][0]["index"], 2)

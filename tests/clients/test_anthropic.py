"""The unmodified anthropic SDK against strata."""
import unittest

import anthropic
from anthropic import Anthropic

from harness import BEARER, server

QUESTION = "Who was the keeper of the lighthouse of Sörby?"


class AnthropicClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.client = Anthropic(base_url=cls.server.url, api_key=BEARER, max_retries=0)

    def ask(self):
        return self.client.messages.create(model="kb/harbour", max_tokens=300,
                                           messages=[{"role": "user", "content": QUESTION}])

    def test_knowledge_base_answers_with_citations(self):
        answer = self.ask()
        text = "".join(block.text for block in answer.content)
        self.assertIn("Alma Ström", text)
        cited = [block for block in answer.content if block.citations]
        self.assertTrue(cited)
        # The sentence that answers, behind the one that its "Its" leans on; nothing beside them.
        self.assertEqual([c.cited_text for block in cited for c in block.citations],
                         ["The lighthouse of Sörby was built in 1871.",
                          "Its keeper was Alma Ström 🗼, who served for thirty-four years."])
        self.assertEqual(answer.stop_reason, "end_turn")

    def test_stream_adds_up_to_the_same_answer(self):
        whole = "".join(block.text for block in self.ask().content)
        with self.client.messages.stream(model="kb/harbour", max_tokens=300,
                                         messages=[{"role": "user", "content": QUESTION}]) as stream:
            final = stream.get_final_message()
        self.assertEqual("".join(block.text for block in final.content), whole)
        self.assertTrue(any(block.citations for block in final.content))
        self.assertGreater(final.usage.output_tokens, 0)

    def test_documents_of_the_request_are_cited_by_the_extractor(self):
        answer = self.client.messages.create(
            model="builtin/extract", max_tokens=300,
            messages=[{"role": "user", "content": [
                {"type": "document", "title": "Notes", "citations": {"enabled": True},
                 "source": {"type": "text", "media_type": "text/plain",
                            "data": "The bridge opened in 1932. It is 503 metres long. Pigeons live under it."}},
                {"type": "text", "text": "How long is the bridge?"}]}])
        text = "".join(block.text for block in answer.content)
        self.assertIn("503 metres", text)
        citations = [c for block in answer.content for c in (block.citations or [])]
        self.assertEqual([c.cited_text for c in citations], ["The bridge opened in 1932.", "It is 503 metres long."])
        for citation in citations:
            self.assertEqual((citation.type, citation.document_index), ("char_location", 0))

    def test_tokens_are_counted(self):
        few = self.client.messages.count_tokens(model="builtin/smollm2-135m-instruct",
                                                messages=[{"role": "user", "content": "Hello"}]).input_tokens
        more = self.client.messages.count_tokens(model="builtin/smollm2-135m-instruct",
                                                 messages=[{"role": "user", "content": "Hello " * 50}]).input_tokens
        self.assertGreater(few, 0)
        self.assertGreater(more, few + 40)

    def test_models_are_listed_in_anthropic_s_shape(self):
        models = list(self.client.models.list(limit=2))
        self.assertIn("kb/harbour", {m.id for m in models})
        self.assertEqual(self.client.models.retrieve("builtin/extract").type, "model")

    def test_errors_are_the_sdk_s_own(self):
        with self.assertRaises(anthropic.NotFoundError):
            self.client.messages.create(model="nobody", max_tokens=5, messages=[{"role": "user", "content": "x"}])
        with self.assertRaises(anthropic.AuthenticationError):
            Anthropic(base_url=self.server.url, api_key="wrong", max_retries=0).messages.create(
                model="kb/harbour", max_tokens=5, messages=[{"role": "user", "content": "x"}])
        with self.assertRaises(anthropic.BadRequestError) as caught:
            self.client.messages.create(model="kb/harbour", max_tokens=-1, messages=[{"role": "user", "content": "x"}])
        self.assertIn("max_tokens", str(caught.exception))


if __name__ == "__main__":
    unittest.main()

"""The unmodified litellm client against strata's OpenAI, Anthropic, Gemini and Bedrock faces."""
import json
import os
import unittest

from harness import ACCESS_KEY, BEARER, SECRET_KEY, server_with_upstream

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no download of prices
import litellm  # noqa: E402

TOOLS = [{"type": "function", "function": {"name": "weather", "description": "of a place", "parameters": {
    "type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}}}]
CALL = {"tool_calls": [{"id": "call_1", "name": "weather", "input": {"place": "Sörby"}}], "chunks": ["Let me see."]}


class LiteLlm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server, cls.fake = server_with_upstream()
        url = cls.server.url
        bedrock = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "aws_region_name": "us-east-1",
                   "aws_bedrock_runtime_endpoint": url}
        cls.faces = {
            "openai": ("openai/up-anthropic/claude-sonnet-4-5", {"api_base": url + "/v1", "api_key": BEARER}),
            "anthropic": ("anthropic/up-openai/gpt-4o-mini", {"api_base": url, "api_key": BEARER}),
            "gemini": ("gemini/up-bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
                       {"api_base": url + "/v1beta/models/up-bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", "api_key": BEARER}),
            "bedrock": ("bedrock/converse/up-gemini/gemini-2.5-flash", bedrock),
        }

    def ask(self, face, **more):
        model, options = self.faces[face]
        return litellm.completion(model=model, messages=more.pop("messages", [{"role": "user", "content": "Weather?"}]),
                                  max_tokens=50, num_retries=0, **options, **more)

    def test_plain(self):
        for face in self.faces:
            with self.subTest(face=face):
                self.fake.script({"text": "It rains.", "input_tokens": 9, "output_tokens": 4})
                answer = self.ask(face)
                self.assertEqual(answer.choices[0].message.content, "It rains.")
                self.assertEqual(answer.usage.prompt_tokens, 9)
                self.assertEqual(answer.choices[0].finish_reason, "stop")

    def test_stream(self):
        for face in self.faces:
            with self.subTest(face=face):
                self.fake.script({"chunks": ["It ", "rains."]})
                text = "".join(c.choices[0].delta.content or "" for c in self.ask(face, stream=True))
                self.assertEqual(text, "It rains.")

    def test_tools(self):
        for face in self.faces:
            with self.subTest(face=face):
                self.fake.script(CALL)
                message = self.ask(face, tools=TOOLS).choices[0].message
                call = message.tool_calls[0]
                self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("weather", {"place": "Sörby"}))
                self.fake.script({"text": "It rains."})
                answer = self.ask(face, tools=TOOLS, messages=[
                    {"role": "user", "content": "Weather?"}, message.model_dump(exclude_none=True),
                    {"role": "tool", "tool_call_id": call.id, "content": "rain"}])
                self.assertEqual(answer.choices[0].message.content, "It rains.")

    def test_rate_limits(self):
        for face in self.faces:
            with self.subTest(face=face):
                self.fake.script({"status": 429, "retry_after_s": 1, "times": 0})
                with self.assertRaises(litellm.RateLimitError):
                    self.ask(face)


if __name__ == "__main__":
    unittest.main()

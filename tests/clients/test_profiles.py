"""Inference profiles, their tags and costs with the unmodified SDKs; ARNs as models in every dialect; prices of one's own."""
import csv
import io
import json
import time
import unittest
import urllib.parse
import urllib.request

import anthropic
import boto3
import openai
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, BEARER, SECRET_KEY, UPSTREAM_SECRETS, FakeUpstream, Server, run_strata

KEY = {"Authorization": "Bearer " + BEARER, "Content-Type": "application/json"}
MODEL = "up/gpt-4o-mini"
CONFIG = """
providers:
  - name: up
    kind: openai
    base_url: "{url}/v1"
    secret: env:FAKE_KEY
    models:
      - {{id: gpt-4o-mini, price: {{input: 0.15, output: "0.6", cache_read: 0.075, as_of: 2026-11-01}}}}
      - gpt-4o
      - text-embedding-3-small
aliases:
  anthropic.claude-sonnet-4-5-20250929-v1:0: up/gpt-4o-mini
"""
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"


class Profiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.server = Server(CONFIG.format(url=cls.upstream.url), {"FAKE_KEY": "sk-fake-openai"}, documents=False)
        keys = dict(endpoint_url=cls.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}))
        cls.control, cls.runtime = boto3.client("bedrock", **keys), boto3.client("bedrock-runtime", **keys)
        cls.openai = openai.OpenAI(base_url=cls.server.url + "/v1", api_key=BEARER, max_retries=0)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.upstream.script({"text": "Yes.", "times": 0, "input_tokens": 1000, "output_tokens": 100})

    def make(self, name, source=MODEL, **more):
        return self.control.create_inference_profile(inferenceProfileName=name, modelSource={"copyFrom": source}, **more)

    def code_of(self, call, **kwargs):
        with self.assertRaises(ClientError) as raised:
            call(**kwargs)
        response = raised.exception.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    def cost_by(self, group):
        return {row["group"]: row for row in csv.DictReader(io.StringIO(self.server.cli("cost", "--by", group, "--csv")))}

    def test_a_profile_lives_from_create_to_delete(self):
        made = self.make("Team A", description="first: of two", tags=[{"key": "team", "value": "a"}])
        arn = made["inferenceProfileArn"]
        self.assertEqual((made["status"], made["ResponseMetadata"]["HTTPStatusCode"]), ("ACTIVE", 201))
        self.assertRegex(arn, r"^arn:aws:bedrock:us-east-1:\d{12}:application-inference-profile/[a-z0-9]{12}$")
        for identifier in (arn, arn.split("/")[1]):
            found = self.control.get_inference_profile(inferenceProfileIdentifier=identifier)
            self.assertEqual((found["inferenceProfileName"], found["description"], found["type"], found["inferenceProfileArn"]),
                             ("Team A", "first: of two", "APPLICATION", arn))
            self.assertTrue(found["models"][0]["modelArn"].endswith("foundation-model/" + MODEL))
        pages = self.control.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 1})
        self.assertIn(arn, [p["inferenceProfileArn"] for page in pages for p in page["inferenceProfileSummaries"]])
        self.assertEqual(self.control.list_inference_profiles(typeEquals="SYSTEM_DEFINED")["inferenceProfileSummaries"], [])
        self.assertEqual(self.code_of(self.make, name="Team A"), ("ConflictException", 400))
        self.control.delete_inference_profile(inferenceProfileIdentifier=arn)
        gone = ("ResourceNotFoundException", 404)
        self.assertEqual(self.code_of(self.control.get_inference_profile, inferenceProfileIdentifier=arn), gone)
        self.assertEqual(self.code_of(self.control.list_tags_for_resource, resourceARN=arn), gone)
        self.assertEqual(self.code_of(self.runtime.converse, modelId=arn, messages=[{"role": "user", "content": [{"text": "hi"}]}]), gone)

    def test_what_is_wrong_is_named(self):
        for name, source in (("two  spaces", MODEL), ("-a", MODEL), ("x" * 65, MODEL)):
            with self.assertRaises(ClientError) as raised:
                self.make(name, source)
            self.assertIn("inferenceProfileName", str(raised.exception))
        self.assertEqual(self.code_of(self.make, name="nobody", source="nobody/x"), ("ResourceNotFoundException", 404))
        tags = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
        self.assertEqual(self.code_of(self.make, name="tags", tags=tags), ("ValidationException", 400))

    def test_the_same_token_makes_one_profile(self):
        token = "token-1"
        first = self.make("once", clientRequestToken=token)
        self.assertEqual(self.make("once", clientRequestToken=token)["inferenceProfileArn"], first["inferenceProfileArn"])
        self.assertEqual(self.code_of(self.make, name="other", clientRequestToken=token), ("ConflictException", 400))

    def test_its_arn_is_a_model_in_every_dialect_and_its_tags_tell_its_cost(self):
        arn = self.make("costs", tags=[{"key": "team", "value": "blue"}])["inferenceProfileArn"]
        said = [{"role": "user", "content": [{"text": "hi"}]}]
        self.assertEqual(self.runtime.converse(modelId=arn, messages=said)["output"]["message"]["content"], [{"text": "Yes."}])
        answer = self.openai.chat.completions.create(model=arn, messages=[{"role": "user", "content": "hi"}])
        self.assertEqual(answer.choices[0].message.content, "Yes.")
        claude = anthropic.Anthropic(base_url=self.server.url, api_key=BEARER, max_retries=0)
        message = claude.messages.create(model=arn, max_tokens=9, messages=[{"role": "user", "content": "hi"}])
        self.assertEqual(message.content[0].text, "Yes.")
        body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).encode()
        request = urllib.request.Request(f"{self.server.url}/v1beta/models/{urllib.parse.quote(arn)}:generateContent", body, KEY)
        with urllib.request.urlopen(request, timeout=30) as reply:
            self.assertEqual(json.load(reply)["candidates"][0]["content"]["parts"][0]["text"], "Yes.")
        # 1000 tokens in at 0.15 and 100 out at 0.6 USD a million, four times.
        for _ in range(50):
            row = self.cost_by("tag:team").get("blue", {"calls": "0"})
            if row["calls"] == "4":
                break
            time.sleep(0.1)  # the ledger follows the journal
        self.assertEqual((row["calls"], float(row["cost_usd"])), ("4", 0.00084))
        self.assertEqual(self.cost_by("tag")["team=blue"], dict(row, group="team=blue"))

    def test_it_embeds_too(self):
        arn = self.make("vectors", "up/text-embedding-3-small")["inferenceProfileArn"]
        vectors = self.openai.embeddings.create(model=arn, input=["one", "two"], encoding_format="float")
        self.assertEqual(len(vectors.data), 2)

    def test_tags_are_changed(self):
        arn = self.make("tagged", tags=[{"key": "team", "value": "a"}, {"key": "gone", "value": ""}])["inferenceProfileArn"]
        self.control.tag_resource(resourceARN=arn, tags=[{"key": "team", "value": "b"}])
        self.control.untag_resource(resourceARN=arn, tagKeys=["gone"])
        self.assertEqual(self.control.list_tags_for_resource(resourceARN=arn)["tags"], [{"key": "team", "value": "b"}])
        router = self.control.create_prompt_router(
            promptRouterName="tagged router", models=[{"modelArn": MODEL}, {"modelArn": "up/gpt-4o"}], fallbackModel={"modelArn": MODEL},
            routingCriteria={"responseQualityDifference": 5}, tags=[{"key": "of", "value": "router"}])["promptRouterArn"]
        self.assertEqual(self.control.list_tags_for_resource(resourceARN=router)["tags"], [{"key": "of", "value": "router"}])
        self.assertEqual(self.code_of(self.control.tag_resource, resourceARN="arn:aws:bedrock:us-east-1:000000000000:guardrail/abc",
                                      tags=[]), ("ResourceNotFoundException", 404))

    def test_cross_region_ids_reach_their_model(self):
        for geography in ("us", "eu", "apac", "global"):
            answer = self.runtime.converse(modelId=f"{geography}.{SONNET}", messages=[{"role": "user", "content": [{"text": "hi"}]}])
            self.assertEqual(answer["output"]["message"]["content"], [{"text": "Yes."}])
        found = self.control.get_inference_profile(inferenceProfileIdentifier="us." + SONNET)
        self.assertEqual((found["type"], found["models"][0]["modelArn"]),
                         ("SYSTEM_DEFINED", "arn:aws:bedrock:us-east-1::foundation-model/" + SONNET))
        arn = self.make("of a profile", f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{SONNET}")["inferenceProfileArn"]
        self.runtime.converse(modelId=arn, messages=[{"role": "user", "content": [{"text": "hi"}]}])

    def test_a_prompt_routers_arn_is_a_model_in_every_dialect(self):
        arn = self.control.create_prompt_router(
            promptRouterName="everywhere", models=[{"modelArn": MODEL}, {"modelArn": "up/gpt-4o"}], fallbackModel={"modelArn": "up/gpt-4o"},
            routingCriteria={"responseQualityDifference": 5})["promptRouterArn"]
        raw = self.openai.chat.completions.with_raw_response.create(model=arn, messages=[{"role": "user", "content": "hi"}])
        self.assertEqual((raw.parse().choices[0].message.content, raw.headers["x-strata-model"]), ("Yes.", "up/gpt-4o"))
        claude = anthropic.Anthropic(base_url=self.server.url, api_key=BEARER, max_retries=0)
        message = claude.messages.create(model=arn, max_tokens=9, messages=[{"role": "user", "content": "hi"}])
        self.assertEqual((message.content[0].text, message.model), ("Yes.", "up/gpt-4o"))

    # ---- prices of one's own

    def test_prices_of_the_configuration_are_those_of_the_ledger(self):
        raw = self.openai.chat.completions.with_raw_response.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
        self.assertIn("0.00021", json.dumps(dict(raw.headers)) + raw.text + self.server.cli("trace", raw.headers["x-strata-trace-id"]))
        models = json.loads(self.server.get("/strata/v1/models", KEY)[2])["models"]
        listed = next(m for m in models if m["id"] == MODEL)
        self.assertEqual((listed["input_picousd"], listed["output_picousd"]), (150_000, 600_000))

    def test_check_names_what_is_wrong_with_a_price(self):
        good = CONFIG.format(url="http://127.0.0.1:1")
        for part, wrong, said in (("input: 0.15", "input: cheap", "'cheap' is no price"), ("2026-11-01", "2026-13-01", "is no day"),
                                  ("input: 0.15, ", "", "price: input: is missing"), ("cache_read", "cache_reed", "did you mean cache_read"),
                                  ("0.075", "0.0750001", "at most six decimals")):
            self.server.configure(good.replace(part, wrong))
            done = run_strata(self.server.data, "--config", self.server.config_file, "check", env=self.server.env)
            self.assertEqual(done.returncode, 1, wrong)
            self.assertIn(said, done.stdout + done.stderr)


REGIONS = """
providers:
  - {{name: east, kind: bedrock, base_url: "{url}", region: us-east-1, models: [{sonnet}, us.amazon.nova-lite-v1:0]}}
  - {{name: west, kind: bedrock, base_url: "{url}", region: us-west-2, models: [{sonnet}]}}
"""


class CrossRegion(unittest.TestCase):
    """A model of two regions is a profile of their geography, and requests by its id go to both."""

    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.server = Server(REGIONS.format(url=cls.upstream.url, sonnet=SONNET),
                            UPSTREAM_SECRETS, documents=False)
        keys = dict(endpoint_url=cls.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}))
        cls.control, cls.runtime = boto3.client("bedrock", **keys), boto3.client("bedrock-runtime", **keys)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_profiles_are_listed_by_type_in_pages(self):
        self.control.create_inference_profile(inferenceProfileName="own", modelSource={"copyFrom": "east/" + SONNET})
        pages = self.control.get_paginator("list_inference_profiles").paginate(typeEquals="SYSTEM_DEFINED", PaginationConfig={"PageSize": 1})
        found = [p for page in pages for p in page["inferenceProfileSummaries"]]
        self.assertEqual([(p["inferenceProfileId"], p["type"], len(p["models"])) for p in found],
                         [("global." + SONNET, "SYSTEM_DEFINED", 2), ("us.amazon.nova-lite-v1:0", "SYSTEM_DEFINED", 1), ("us." + SONNET, "SYSTEM_DEFINED", 2)])
        self.assertEqual([m["modelArn"] for m in found[2]["models"]],
                         [f"arn:aws:bedrock:{region}::foundation-model/{SONNET}" for region in ("us-east-1", "us-west-2")])
        for profile in found:
            one = self.control.get_inference_profile(inferenceProfileIdentifier=profile["inferenceProfileArn"])
            self.assertEqual((one["inferenceProfileId"], one["models"]), (profile["inferenceProfileId"], profile["models"]))
        types = lambda **more: {p["type"] for p in self.control.list_inference_profiles(**more)["inferenceProfileSummaries"]}  # noqa: E731
        self.assertEqual(types(typeEquals="APPLICATION"), {"APPLICATION"})
        self.assertEqual(types(), {"APPLICATION", "SYSTEM_DEFINED"})

    def test_its_id_and_arn_go_to_both_regions(self):
        self.upstream.script({"text": "Yes.", "times": 0})
        said = [{"role": "user", "content": [{"text": "hi"}]}]
        arn = f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{SONNET}"
        for model in ("us." + SONNET, arn):
            for _ in range(2):
                self.assertEqual(self.runtime.converse(modelId=model, messages=said)["output"]["message"]["content"], [{"text": "Yes."}])
        for _ in range(50):
            rows = {row["group"]: row["calls"] for row in csv.DictReader(io.StringIO(self.server.cli("cost", "--by", "provider", "--csv")))}
            if rows.get("east") == rows.get("west") == "2":
                break
            time.sleep(0.1)  # the ledger follows the journal
        self.assertEqual((rows.get("east"), rows.get("west")), ("2", "2"))

    def test_an_account_that_goes_takes_its_profile_with_it(self):
        ids = lambda: [p["inferenceProfileId"] for p in self.control.list_inference_profiles(typeEquals="SYSTEM_DEFINED")["inferenceProfileSummaries"]]  # noqa: E731
        self.server.cli("provider", "add", "tokyo", "--kind", "bedrock", "--base-url", self.upstream.url, "--region", "ap-northeast-1",
                        "--model", "us.amazon.nova-pro-v1:0")
        self.assertIn("us.amazon.nova-pro-v1:0", ids())
        self.server.cli("provider", "remove", "tokyo")
        self.assertNotIn("us.amazon.nova-pro-v1:0", ids())


if __name__ == "__main__":
    unittest.main()

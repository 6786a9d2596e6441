"""Bedrock's asynchronous invocations over restarts, and their listing page by page."""
import os
import shutil
import tempfile
import time
import unittest

import boto3
from botocore.config import Config

from harness import ACCESS_KEY, BEARER, SECRET_KEY, FakeUpstream, Server, stop_process

BUCKET = "answers-to-come"
RESTARTS = 4  # more than an invocation has attempts


class AsyncInvokes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.upstream = FakeUpstream()
        cls.bucket = tempfile.mkdtemp(prefix="strata-bucket-")
        cls.server = Server(
            f"kb.s3_map: [\"{BUCKET}={cls.bucket}\"]\nserver.drain_timeout: 1\n"
            f"providers:\n  - {{name: up, kind: openai, base_url: \"{cls.upstream.url}/v1\", secret: \"env:FAKE_KEY\"}}\n",
            {"FAKE_KEY": "sk-fake-openai"}, documents=False)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.bucket)

    def client(self):
        return boto3.client("bedrock-runtime", endpoint_url=self.server.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                            aws_secret_access_key=SECRET_KEY, config=Config(retries={"total_max_attempts": 1}))

    def start(self, model="up/gpt-4o-mini", headers=()):
        client = self.client()
        client.meta.events.register("before-sign.bedrock-runtime.StartAsyncInvoke",
                                    lambda request, **_: [request.headers.add_header(*header) for header in headers])
        return client.start_async_invoke(
            modelId=model, modelInput={"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out"}})["invocationArn"]

    def until(self, what, seconds=60):
        deadline = time.time() + seconds
        while not what():
            self.assertLess(time.time(), deadline, "it does not come to that")
            time.sleep(0.05)

    def test_what_a_request_may_not_do_its_job_may_not_do_either(self):
        before = len(self.upstream.requests())
        for header, why in ((("x-strata-labels", "pii"), "pii"), (("x-strata-regions", "eu-central-1"), "eu-central-1"),
                            (("x-strata-retention", "none"), "retention")):
            arn = self.start(headers=[header])
            self.until(lambda: self.client().get_async_invoke(invocationArn=arn)["status"] != "InProgress")
            ended = self.client().get_async_invoke(invocationArn=arn)
            self.assertEqual(ended["status"], "Failed", ended)
            self.assertIn(why, ended["failureMessage"])
        self.assertEqual(len(self.upstream.requests()), before, "it was sent all the same")

    def test_restarts_cost_an_invocation_none_of_its_attempts(self):
        self.upstream.script({"text": "late", "delay_ms": 600_000, "times": 0})
        arn = self.start()
        for number in range(RESTARTS):
            self.until(lambda: len(self.upstream.requests()) > number)
            stop_process(self.server.process)
            self.server.process = self.server.start()
            self.server.wait_until_ready()
            self.assertEqual(self.client().get_async_invoke(invocationArn=arn)["status"], "InProgress")
        self.until(lambda: len(self.upstream.requests()) > RESTARTS)
        stop_process(self.server.process)
        self.upstream.script({"text": "in time", "times": 0})
        self.server.process = self.server.start()
        self.server.wait_until_ready()
        self.until(lambda: self.client().get_async_invoke(invocationArn=arn)["status"] != "InProgress")
        self.assertEqual(self.client().get_async_invoke(invocationArn=arn)["status"], "Completed")
        with open(os.path.join(self.bucket, "out", arn.rsplit("/", 1)[1], "output.json"), encoding="utf-8") as f:
            self.assertIn("in time", f.read())

    def test_a_listing_is_whole_page_by_page_in_both_directions(self):
        self.upstream.script({"text": "done", "times": 0})
        made = [self.start() for _ in range(7)]
        lost = self.start("elsewhere/gpt-4o-mini")
        client = self.client()
        self.until(lambda: client.get_async_invoke(invocationArn=lost)["status"] == "Failed")
        self.until(lambda: all(client.get_async_invoke(invocationArn=arn)["status"] == "Completed" for arn in made))

        def listed(**more):
            pages = client.get_paginator("list_async_invokes").paginate(PaginationConfig={"PageSize": 3}, **more)
            return [job for page in pages for job in page["asyncInvokeSummaries"]]

        def arns(**more):
            return [job["invocationArn"] for job in listed(**more) if job["invocationArn"] in made + [lost]]
        self.assertEqual(arns(sortOrder="Ascending"), made + [lost])
        self.assertEqual(arns(), [lost] + made[::-1])
        self.assertEqual(arns(statusEquals="Completed"), made[::-1])
        self.assertEqual(arns(statusEquals="Failed"), [lost])
        self.assertEqual(arns(statusEquals="InProgress"), [])
        times = {job["invocationArn"]: job["submitTime"] for job in listed()}
        between = arns(sortOrder="Ascending", submitTimeAfter=times[made[1]], submitTimeBefore=times[made[5]])
        self.assertEqual(between, [arn for arn in made if times[made[1]] < times[arn] < times[made[5]]])
        self.assertTrue(between)
        job = listed()[0]
        self.assertEqual((job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"], job["status"]), (f"s3://{BUCKET}/out", "Failed"))
        self.assertTrue(job["failureMessage"])

    def test_what_is_no_filter_is_refused_by_name(self):
        for query, name in (("statusEquals=Done", "statusEquals"), ("submitTimeAfter=yesterday", "submitTimeAfter"),
                            ("maxResults=0", "maxResults"), ("nextToken=x", "nextToken")):
            status, _, body = self.server.get("/async-invoke?" + query, {"authorization": "Bearer " + BEARER})
            self.assertEqual((status, name in body.decode()), (400, True), body)


if __name__ == "__main__":
    unittest.main()

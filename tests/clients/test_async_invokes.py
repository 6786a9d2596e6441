"""Bedrock's asynchronous invocations over restarts."""
import os
import shutil
import tempfile
import time
import unittest

import boto3
from botocore.config import Config

from harness import ACCESS_KEY, SECRET_KEY, FakeUpstream, Server, stop_process

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

    def start(self, model="up/gpt-4o-mini"):
        return self.client().start_async_invoke(
            modelId=model, modelInput={"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out"}})["invocationArn"]

    def until(self, what, seconds=60):
        deadline = time.time() + seconds
        while not what():
            self.assertLess(time.time(), deadline, "it does not come to that")
            time.sleep(0.05)

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


if __name__ == "__main__":
    unittest.main()

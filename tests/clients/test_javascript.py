"""Runs test_javascript.mjs, AWS's JavaScript SDK, against the same server."""
import os
import subprocess
import unittest

import boto3

from harness import ACCESS_KEY, SECRET_KEY, server


class JavaScriptClient(unittest.TestCase):
    def test_aws_javascript_sdk_speaks_http2_to_the_plain_listener(self):
        running = server()
        agent = boto3.client("bedrock-agent", endpoint_url=running.url, region_name="us-east-1",
                             aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
        bases = agent.list_knowledge_bases()["knowledgeBaseSummaries"]
        env = dict(running.env, STRATA_URL=running.url, STRATA_ACCESS_KEY=ACCESS_KEY, STRATA_SECRET_KEY=SECRET_KEY,
                   STRATA_KB=next(b["knowledgeBaseId"] for b in bases if b["name"] == "harbour"),
                   NODE_MODULES=os.environ["STRATA_NODE"])
        done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "test_javascript.mjs")], env=env,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()

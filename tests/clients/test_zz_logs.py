"""What the servers of all other tests have logged: structured, and without a secret or a text of anybody. Runs last, by its name."""
import json
import time
import unittest

import harness
from harness import BEARER, SECRET_KEY, UPSTREAM_SECRETS, server

SECRETS = [BEARER, SECRET_KEY] + [v for k, v in UPSTREAM_SECRETS.items() if k != "AWS_ACCESS_KEY_ID"]
# Words of questions, prompts and answers of the tests.
TEXTS = ["What is the fee", "weather in Sörby", "25 euros", "Say {{", "Sörby 🗼"]


class Logs(unittest.TestCase):
    def test_no_secret_and_no_text_is_logged(self):
        server()
        for text in (read() for read in harness.logs):
            for secret in SECRETS + TEXTS:
                at = text.find(secret)
                self.assertEqual(at, -1, f"{secret!r} stands in: {text[max(0, at - 200):at + 200]}")

    def test_every_line_is_an_event_and_finished_requests_say_what_they_cost(self):
        requests = []
        server().get("/v1/models")
        time.sleep(0.5)  # lines are written together, a moment later
        for text in (read() for read in harness.logs):
            for line in text.splitlines():
                event = json.loads(line)
                self.assertTrue({"time", "level", "event"} <= event.keys(), line)
                if event["event"] == "request.finished":
                    requests.append(event)
        self.assertTrue(requests)
        for event in requests:
            self.assertTrue({"request", "dialect", "operation", "status", "latency_ms"} <= event.keys(), event)
            if "calls" in event:
                self.assertTrue({"key", "model", "deployment", "tokens_in", "tokens_out", "cost_usd"} <= event.keys(), event)
        self.assertTrue(any("calls" in e for e in requests) or len(harness.logs) == 1)


if __name__ == "__main__":
    unittest.main()

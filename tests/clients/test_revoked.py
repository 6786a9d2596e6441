"""What was made of a document is not told any more once its readers are others: stored responses, pages of traces."""
import json
import os
import unittest
import urllib.parse
import urllib.request

from harness import BEARER, Server

READER = "sk-strata-reader-of-the-board-0123456789"
QUESTION = "What is the codename of the merger?"


class Revoked(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(documents=False)
        cls.server.cli("key", "create", "--role", "invoke", "--role", "kb.read", "--principal", "board", "--bearer", READER)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def write(self, readers):
        corpus = os.path.join(self.server.folder, "corpus.jsonl")
        with open(corpus, "w", encoding="utf-8") as f:
            f.write(json.dumps({"_id": "merger", "title": "Merger", "text": "The codename of the merger is walrus.",
                                "strata_principals": readers}) + "\n")
            f.write(json.dumps({"_id": "tides", "title": "Tides", "text": "High water is at noon."}) + "\n")
        self.server.cli("kb", "import", "secrets", corpus)

    def call(self, method, path, body=None, key=READER):
        """(status, headers, text)"""
        request = urllib.request.Request(self.server.url + path, json.dumps(body).encode() if body else None, method=method,
                                         headers={"authorization": "Bearer " + key, "content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.headers, reply.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read().decode()

    def trace(self, headers):
        link = urllib.parse.urlsplit(headers["x-strata-trace-url"])
        page = self.server.get(f"{link.path}?{link.query}")[2].decode()
        status, _, tree = self.call("GET", "/strata/v1/traces/" + headers["x-strata-trace-id"] + "?form=text", key=BEARER)
        self.assertEqual(status, 200)
        return page, tree

    def test_the_text_goes_with_the_right_to_read_it(self):
        self.write(["board"])
        tool = {"type": "file_search", "vector_store_ids": ["kb/secrets"]}
        search = {"model": "builtin/extract", "input": QUESTION, "tools": [tool], "include": ["file_search_call.results"]}
        # The second one shows the passage without saying anything of it.
        shown = dict(search, input="When is high water?")
        made = [self.call("POST", "/v1/responses", body) for body in (search, shown)]
        ids = [json.loads(body)["id"] for _, _, body in made]
        for (status, headers, body), response in zip(made, ids):
            self.assertEqual(status, 200, body)
            self.assertIn("walrus", body)
            self.assertIn("walrus", self.call("GET", "/v1/responses/" + response)[2])
        for seen in self.trace(made[0][1]):
            self.assertIn("walrus", seen)
        self.write(["audit"])
        for response in ids:
            status, _, body = self.call("GET", "/v1/responses/" + response)
            self.assertEqual(status, 404, body)
            self.assertNotIn("walrus", body)
        for (_, headers, _) in made:
            for seen in self.trace(headers):
                self.assertNotIn("walrus", seen)
        for seen in self.trace(made[0][1]):
            self.assertIn("left out", seen)

    def test_what_may_still_be_read_is_still_told(self):
        self.write(["board"])
        status, headers, body = self.call("POST", "/v1/responses", {"model": "kb/secrets", "input": "When is high water?"})
        self.assertIn("noon", body)
        self.write(["audit"])
        self.assertIn("noon", self.call("GET", "/v1/responses/" + json.loads(body)["id"])[2])
        for seen in self.trace(headers):
            self.assertIn("noon", seen)


if __name__ == "__main__":
    unittest.main()

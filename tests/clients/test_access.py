"""Which roles may call what: docs/access.md is what the routes say, and the routes do what it says."""
import http.client
import json
import os
import re
import unittest
import urllib.parse

from harness import BEARER, server

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "access.md")


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = server()

    def call(self, method, path, bearer):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
        try:
            connection.request(method, path, b"{}", {"content-type": "application/json", "authorization": "Bearer " + bearer})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def test_the_page_is_what_the_routes_say(self):
        with open(PAGE, encoding="utf-8") as f:
            self.assertEqual(self.server.cli("key", "roles"), f.read(), "renew it: strata key roles > docs/access.md")

    def test_roles_open_their_operations_and_no_others(self):
        operations = json.loads(self.call("GET", "/strata/v1/roles", BEARER)[1])["operations"]
        self.assertGreater(len(operations), 80)
        wrong = []
        for role in ("invoke", "kb.read", "kb.write", "metrics"):
            bearer = f"sk-strata-access-{role}-0123456789abcdef"
            self.server.cli("key", "create", "--name", role, "--role", role, "--bearer", bearer)
            for operation in operations:
                if operation["role"] in ("", "*"):
                    continue
                path = re.sub(r"\{[^}]*\}", "nobody", operation["path"])
                status, body = self.call(operation["method"], path, bearer)
                refused = status == 403 and "role" in body
                if refused != (operation["role"] != role):
                    wrong.append((role, operation["method"], path, status, body))
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()

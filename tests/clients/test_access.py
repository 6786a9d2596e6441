"""Which roles may call what: docs/access.md is what the routes say, and the routes do what it says."""
import http.client
import json
import os
import re
import unittest
import urllib.parse

from harness import BEARER, Server, server

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

    def test_a_list_of_models_holds_on_every_way_to_a_base(self):
        bearer = "sk-strata-access-list-0123456789abcdef"
        self.server.cli("key", "create", "--name", "list", "--role", "invoke", "--model", "kb/other", "--bearer", bearer)
        for path, body in (("search", {"query": "glass"}), ("ask", {"question": "glass?"})):
            for key, due in ((bearer, 403), (BEARER, 200)):
                connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=60)
                connection.request("POST", f"/strata/v1/kbs/harbour/{path}", json.dumps(body),
                                   {"content-type": "application/json", "authorization": "Bearer " + key})
                reply = connection.getresponse()
                self.assertEqual(reply.status, due, (path, reply.read()))
                connection.close()


class WithoutKeys(unittest.TestCase):
    """A page that is open in a browser on the same machine is not everybody."""

    def test_pages_of_other_origins_are_refused(self):
        server = Server("server.require_keys: false\nserver.cors_origins: [\"https://ours.example\"]\n", documents=False)
        try:
            for origin, due in (("http://evil.example", 403), ("https://ours.example", 200), (None, 200)):
                headers = {"content-type": "text/plain", **({"origin": origin} if origin else {})}
                status, _, body = server.get("/strata/v1/keys", headers)
                self.assertEqual(status, due, (origin, body))
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()

"""Runs test_console.mjs: the console's pages in Debian's Chromium."""
import json
import os
import subprocess
import unittest
import urllib.request

from harness import BEARER, server


class Console(unittest.TestCase):
    def test_trace_page_shows_the_cited_region_in_a_browser(self):
        running = server()
        body = {"model": "kb/harbour", "messages": [{"role": "user", "content": "Who is called when a glass plate breaks?"}]}
        request = urllib.request.Request(running.url + "/v1/chat/completions", json.dumps(body).encode(),
                                         {"authorization": "Bearer " + BEARER, "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            trace_url = reply.headers["x-strata-trace-url"]
            self.assertIn("Ingrid Aalto", reply.read().decode())
        console = running.cli("console")
        pictures = os.environ["STRATA_SCREENSHOTS"]
        os.makedirs(pictures, exist_ok=True)
        env = dict(running.env, TRACE_URL=trace_url, CONSOLE_URL=console.strip(), NODE_MODULES=os.environ["STRATA_NODE"],
                   SCREENSHOTS=pictures)
        done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "test_console.mjs")], env=env,
                              capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_without_its_link_a_browser_gets_a_page_and_a_program_json(self):
        running = server()
        for path in ("/", "/console", "/console/trace/" + "0" * 32):
            status, headers, page = running.get(path, {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
            self.assertEqual((status, headers["content-type"]), (401, "text/html; charset=utf-8"), path)
            self.assertIn("strata --data DIR console", page.decode())
            for accept in ("application/json", "*/*"):
                status, headers, error = running.get(path, {"Accept": accept})
                self.assertEqual((status, headers["content-type"]), (401, "application/json"), path)
                self.assertEqual(json.loads(error)["error"]["code"], "unauthenticated")


if __name__ == "__main__":
    unittest.main()

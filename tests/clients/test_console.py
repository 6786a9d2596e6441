"""Runs test_console.mjs: the console's pages in Debian's Chromium."""
import json
import os
import shutil
import subprocess
import unittest
import urllib.request

from harness import BEARER, Server, server

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples")


def ask(running, model, question):
    """(headers, body) of the answer."""
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    request = urllib.request.Request(running.url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"authorization": "Bearer " + BEARER, "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.headers, reply.read().decode()


def small_pdf(text):
    """A page with one line."""
    content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
               "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
               f"<</Length {len(content)}>>stream\n{content}\nendstream", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    out, offsets = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    return f"{out}xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n".encode()


class Console(unittest.TestCase):
    def test_trace_page_shows_the_cited_region_in_a_browser(self):
        running = server()
        headers, answer = ask(running, "kb/harbour", "Who is called when a glass plate breaks?")
        trace_url = headers["x-strata-trace-url"]
        self.assertIn("Ingrid Aalto", answer)
        console = running.cli("console")
        pictures = os.environ["STRATA_SCREENSHOTS"]
        os.makedirs(pictures, exist_ok=True)
        env = dict(running.env, TRACE_URL=trace_url, CONSOLE_URL=console.strip(), NODE_MODULES=os.environ["STRATA_NODE"],
                   SCREENSHOTS=pictures)
        done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "test_console.mjs")], env=env,
                              capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_page_is_shown_only_while_it_is_the_one_that_was_cited(self):
        running = Server(documents=False)
        try:
            folder = os.path.join(running.folder, "docs")
            os.makedirs(folder)
            cited = os.path.join(folder, "manual.pdf")
            shutil.copy(os.path.join(SAMPLES, "storage-manual.pdf"), cited)
            running.cli("kb", "create", "manuals", folder)
            running.cli("kb", "sync", "manuals")
            headers, _ = ask(running, "kb/manuals", "How long may an archive box of glass plates stay on the upper shelf?")
            trace, token = headers["x-strata-trace-id"], headers["x-strata-trace-url"].rsplit("=", 1)[1]
            picture = f"/console/trace/{trace}/source/1.png?t={token}"
            self.assertEqual(running.get(picture, {})[0], 200)
            with open(cited, "wb") as f:
                f.write(small_pdf("Boxes may stay for a year."))
            self.assertEqual(running.get(picture, {})[0], 409)  # not indexed anew yet
            running.cli("kb", "sync", "manuals")
            status, _, error = running.get(picture, {})
            self.assertEqual(status, 409)
            self.assertIn("is not in file://", error.decode())
        finally:
            running.stop()

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

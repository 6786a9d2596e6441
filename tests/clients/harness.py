"""Starts a strata server on a fresh data folder and free ports, with fixed keys and a small knowledge base; stops it by its id.

Used by every client test. The server runs with its defaults: in-process models, keys required, TLS on.
"""
import atexit
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request

STRATA = os.environ["STRATA_BINARY"]
BEARER = "sk-strata-client-tests-0123456789abcdef"
ACCESS_KEY = "AKIACLIENTTESTS00000"
SECRET_KEY = "client-tests-secret-0123456789-abcdefghij"

DOCUMENTS = {
    "harbour.md": "# Harbour rules\n\nThe north quay is closed to visitors after 21:00. Boats longer than twelve metres "
                  "must report to the harbour master on channel 14.\n\n## Fees\n\nA berth costs 25 euros a night in summer "
                  "and 12 euros in winter. Electricity is included.\n",
    "lighthouse.txt": "The lighthouse of Sörby was built in 1871. Its keeper was Alma Ström 🗼, who served for "
                      "thirty-four years. The lamp was electrified in 1936.\n",
}


class Server:
    def __init__(self, config="", env=None):
        self.folder = tempfile.mkdtemp(prefix="strata-clients-")
        self.data = os.path.join(self.folder, "data")
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("AWS_", "OPENAI_", "ANTHROPIC_", "AZURE_"))}
        self.env.update(env or {})
        docs = os.path.join(self.folder, "docs")
        os.mkdir(docs)
        for name, text in DOCUMENTS.items():
            with open(os.path.join(docs, name), "w", encoding="utf-8") as f:
                f.write(text)
        samples = os.path.join(os.path.dirname(__file__), "..", "..", "samples")
        shutil.copy(os.path.join(samples, "storage-manual.pdf"), docs)
        config_file = os.path.join(self.folder, "strata.yaml")
        with open(config_file, "w", encoding="utf-8") as f:
            f.write("server:\n  detect_providers: false\n" + config)
        self.log = open(os.path.join(self.folder, "server.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [STRATA, "serve", "--data", self.data, "--config", config_file, "--listen", "127.0.0.1:0",
             "--tls-listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        atexit.register(self.stop)
        self.url = self.tls_url = self.ca = None
        for line in self.process.stdout:
            if m := re.match(r"TLS is on (\S+)", line):
                self.tls_url = m[1]
            if m := re.search(r"AWS_CA_BUNDLE=(\S+)", line):
                self.ca = m[1]
            if m := re.match(r"ready (\S+)", line):
                self.url = m[1]
                break
        if not self.url:
            self.fail("did not get ready")
        self.cli("key", "create", "--name", "tests", "--role", "admin", "--id", ACCESS_KEY, "--secret", SECRET_KEY,
                 "--bearer", BEARER)
        self.cli("kb", "create", "harbour", docs)
        self.cli("kb", "sync", "harbour")

    def cli(self, *args):
        """Runs a command against this server; its output."""
        done = subprocess.run([STRATA, "--data", self.data, *args], capture_output=True, text=True, env=self.env, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"strata {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def get(self, path):
        """(status, headers, body) of a GET without a key."""
        url = path if path.startswith("http") else self.url + path
        try:
            with urllib.request.urlopen(url, timeout=30) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def fail(self, what):
        self.log.seek(0)
        raise AssertionError(f"the server {what}:\n{self.log.read()[-4000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_server = None


def server():
    """One server for all tests of a process."""
    global _server
    if _server is None:
        _server = Server()
    return _server

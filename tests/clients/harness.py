"""Starts a strata server on a fresh data folder and free ports, with fixed keys and a small knowledge base; stops it by its id.

Used by every client test. The server runs with its defaults: in-process models, keys required, TLS on. A second one, behind
which a scripted upstream plays every remote provider, is for tests that need a configuration of their own.
"""
import atexit
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request

STRATA = os.environ["STRATA_BINARY"]
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples")
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


BODY_BYTES_MAX = 100_000
UPSTREAM_CONFIG = """
net: {{body_bytes_max: {limit}}}
# What a provider says is what these tests look at, and one test's faults are not the next one's.
resilience: {{retries: 0, breaker_faults: 1000000, breaker_percent: 100, breaker_open: 10, breaker_open_max: 10}}
providers:
  - {{name: up-openai, kind: openai, base_url: "{url}/v1", secret: "env:FAKE_OPENAI_KEY"}}
  - {{name: up-anthropic, kind: anthropic, base_url: "{url}", secret: "env:FAKE_ANTHROPIC_KEY"}}
  - {{name: up-bedrock, kind: bedrock, base_url: "{url}", region: eu-central-1}}
  - {{name: up-gemini, kind: gemini, base_url: "{url}", secret: "env:FAKE_GEMINI_KEY"}}
"""
UPSTREAM_SECRETS = {
    "FAKE_OPENAI_KEY": "sk-fake-openai",
    "FAKE_ANTHROPIC_KEY": "sk-ant-fake",
    "FAKE_GEMINI_KEY": "fake-gemini-key",
    "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE",
    "AWS_SECRET_ACCESS_KEY": "fake-secret-access-key",
}


def clean_environment():
    """This process's, without what would make strata find providers or a data folder of its own."""
    return {k: v for k, v in os.environ.items()
            if not k.startswith(("AWS_", "OPENAI_", "ANTHROPIC_", "AZURE_", "GEMINI_", "GOOGLE_", "STRATA_DATA", "XDG_DATA"))}


def run_strata(data, *args, env=None, input_text=None):
    """Runs one command on a data folder; the finished process, whatever its exit code."""
    return subprocess.run([STRATA, "--data", data, *args], capture_output=True, text=True, timeout=120,
                          env=env or clean_environment(), input=input_text)


def write_documents(folder):
    os.mkdir(folder)
    for name, text in DOCUMENTS.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    shutil.copy(os.path.join(SAMPLES, "storage-manual.pdf"), folder)
    return folder


def stop_process(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stdout.close()


# What every server of this process has logged, for the test that reads it all.
logs = []


class Server:
    def __init__(self, config="", env=None, documents=True, listen="127.0.0.1:0", tls_listen="127.0.0.1:0"):
        self.folder = tempfile.mkdtemp(prefix="strata-clients-")
        self.data = os.path.join(self.folder, "data")
        self.env = dict(clean_environment(), **(env or {}))
        self.config_file = os.path.join(self.folder, "strata.yaml")
        self.listen, self.tls_listen = listen, tls_listen
        self.configure(config)
        self.log = open(os.path.join(self.folder, "server.log"), "a+", encoding="utf-8")
        logs.append(self.log_text)
        self.process = self.start()
        atexit.register(self.stop)
        self.url = self.tls_url = self.ca = None
        self.wait_until_ready()
        self.cli("key", "create", "--name", "tests", "--role", "admin", "--id", ACCESS_KEY, "--secret", SECRET_KEY,
                 "--bearer", BEARER)
        if documents:
            self.cli("kb", "create", "harbour", write_documents(os.path.join(self.folder, "docs")))
            self.cli("kb", "sync", "harbour")

    def configure(self, config):
        # Renamed into its place: a reload that reads half a file takes the half for the whole.
        with open(self.config_file + ".new", "w", encoding="utf-8") as f:
            f.write("server.detect_providers: false\n" + config)
        os.replace(self.config_file + ".new", self.config_file)

    def start(self, *flags):
        # listen=None: the configuration says where.
        where = ["--listen", self.listen, "--tls-listen", self.tls_listen] if self.listen else []
        return subprocess.Popen(
            [STRATA, "serve", "--data", self.data, "--config", self.config_file, *where, *flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)

    def wait_until_ready(self):
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

    def take_over(self):
        """Starts a successor that takes over from the process that serves; the predecessor's exit code."""
        predecessor, self.process = self.process, self.start("--takeover")
        self.wait_until_ready()
        code = predecessor.wait(60)
        predecessor.stdout.close()
        return code

    def cli(self, *args):
        """Runs a command against this server; its output."""
        done = run_strata(self.data, *args, env=self.env)
        if done.returncode != 0:
            raise AssertionError(f"strata {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def get(self, path, headers=None, method="GET"):
        """(status, headers, body) of a request without a key."""
        url = path if path.startswith("http") else self.url + path
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}, method=method), timeout=30) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def alive(self):
        return self.process.poll() is None and self.get("/healthz")[0] == 200

    def log_text(self):
        if self.log.closed:
            return self.last_log
        with open(self.log.name, encoding="utf-8") as f:
            return f.read()

    def fail(self, what):
        raise AssertionError(f"the server {what}:\n{self.log_text()[-4000:]}")

    def stop(self):
        stop_process(self.process)
        if not self.log.closed:
            self.last_log = self.log_text()
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class FakeUpstream:
    """strata-fake-provider: OpenAI, Anthropic, Bedrock, Gemini and Vertex AI on one port, answering by script."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["STRATA_FAKE_PROVIDER"]], stdout=subprocess.PIPE, text=True)
        atexit.register(stop_process, self.process)
        self.url = self.process.stdout.readline().split()[1]

    def script(self, *answers):
        """These answers and no others, from now on; forgets what was asked before."""
        body = json.dumps({"reset": True, "answers": list(answers)}).encode()
        urllib.request.urlopen(urllib.request.Request(self.url + "/_script", body, method="POST"), timeout=10).close()

    def requests(self):
        with urllib.request.urlopen(self.url + "/_requests", timeout=10) as r:
            return json.load(r)["requests"]


_server = None
_upstream = None


def server():
    """One server for all tests of a process."""
    global _server
    if _server is None:
        _server = Server()
    return _server


def server_with_upstream():
    """(server, fake upstream): models up-openai/…, up-anthropic/…, up-bedrock/…, up-gemini/…; bodies up to BODY_BYTES_MAX."""
    global _upstream
    if _upstream is None:
        fake = FakeUpstream()
        config = UPSTREAM_CONFIG.format(url=fake.url, limit=BODY_BYTES_MAX)
        _upstream = Server(config, UPSTREAM_SECRETS, documents=False), fake
    return _upstream

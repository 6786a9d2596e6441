"""Running a server: probes, metrics, reload, drain and hand-over under load, and what browsers ask first."""
import csv
import http.client
import io
import json
import os
import shutil
import signal
import socket
import ssl
import tempfile
import threading
import time
import unittest

import boto3
import openai

from harness import ACCESS_KEY, BEARER, SAMPLES, SECRET_KEY, FakeUpstream, Server, server, run_strata, stop_process

KEY = {"Authorization": "Bearer " + BEARER}
MODEL = "up/gpt-4o-mini"


def parse_metrics(text):
    """{(name, frozenset of labels): value}; a line that is not in Prometheus' text form fails."""
    found, families = {}, {}
    for line in text.splitlines():
        if line.startswith("# "):
            _, kind, name, rest = line.split(" ", 3)
            if kind == "TYPE":
                assert rest in ("counter", "gauge", "histogram"), line
                assert name not in families, f"{name} is declared twice"
                families[name] = rest
            continue
        head, value = line.rsplit(" ", 1)
        name, _, labels = head.partition("{")
        base = next((name[:-len(s)] for s in ("_bucket", "_sum", "_count") if name.endswith(s) and name[:-len(s)] in families), name)
        assert base in families, f"{name} has no TYPE"
        pairs = frozenset(p for p in labels.rstrip("}").split(",") if p)
        assert (name, pairs) not in found, f"twice: {line}"
        found[name, pairs] = float(value)
    return found


def total(metrics, name, *labels):
    wanted = {f'{k}="{v}"' for k, v in labels}
    return sum(value for (n, have), value in metrics.items() if n == name and wanted <= have)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def config_for(upstream, more=""):
    return (f"providers:\n  - {{name: up, kind: openai, base_url: \"{upstream.url}/v1\", secret: \"env:FAKE_KEY\"}}\n" + more)


ENV = {"FAKE_KEY": "sk-fake-openai"}


def client_of(running):
    return openai.OpenAI(base_url=running.url + "/v1", api_key=BEARER, max_retries=0)


def ask(client, **more):
    return client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}], **more)


class Load:
    """Requests one after the other on several threads until stopped; each must be answered whole."""

    def __init__(self, url, threads=4):
        self.url, self.stopping = url, threading.Event()
        self.answered, self.failures = 0, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,)) for i in range(threads)]
        for t in self.threads:
            t.start()

    def run(self, stream):
        host, port = self.url.removeprefix("http://").split(":")
        body = json.dumps({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(host, int(port), timeout=60)
                connection.request("POST", "/v1/chat/completions", body, {**KEY, "content-type": "application/json"})
                answer = connection.getresponse()
                text = answer.read().decode()
                whole = "data: [DONE]" in text if stream else '"finish_reason"' in text
                if answer.status != 200 or not whole:
                    self.failures.append((answer.status, text[-300:]))
                if answer.getheader("connection") == "close":
                    connection.close()
                    connection = None
                with self.lock:
                    self.answered += 1
            except OSError as e:
                self.failures.append(repr(e))
                connection = None

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()
        return self.answered


class Probes(unittest.TestCase):
    def test_a_running_server_is_alive_and_ready(self):
        self.assertEqual(server().get("/healthz")[0], 200)
        status, _, body = server().get("/readyz")
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body), {"ready": True, "reasons": []})

    def test_metrics_need_a_key_by_default(self):
        status, _, body = server().get("/metrics")
        self.assertEqual(status, 401)
        self.assertNotIn(b"strata_", body.replace(b"strata_trace", b""))

    def test_metrics_move_with_requests(self):
        def scrape():
            status, headers, body = server().get("/metrics", KEY)
            self.assertEqual(status, 200)
            self.assertTrue(headers["content-type"].startswith("text/plain; version=0.0.4"))
            return parse_metrics(body.decode())

        before = scrape()
        client = client_of(server())
        client.chat.completions.create(model="kb/harbour", messages=[{"role": "user", "content": "What is a berth?"}])
        with self.assertRaises(openai.NotFoundError):
            client.chat.completions.create(model="nobody/nothing", messages=[{"role": "user", "content": "x"}])
        chat = ("dialect", "openai"), ("operation", "chat.completions")
        operation = next(dict(p.split("=", 1) for p in labels)["operation"].strip('"') for (n, labels) in scrape()
                         if n == "strata_requests_total" and 'dialect="openai"' in labels)
        self.assertTrue(operation)
        deadline = time.time() + 10
        while True:
            after = scrape()
            moved = total(after, "strata_model_calls_total", ("outcome", "ok")) - total(before, "strata_model_calls_total", ("outcome", "ok"))
            if moved >= 1 or time.time() > deadline:
                break
            time.sleep(0.1)
        self.assertGreaterEqual(moved, 1)
        for status in ("2xx", "4xx"):
            self.assertGreaterEqual(total(after, "strata_requests_total", ("dialect", "openai"), ("status", status)) -
                                    total(before, "strata_requests_total", ("dialect", "openai"), ("status", status)), 1, (status, chat))
        self.assertGreater(total(after, "strata_request_duration_seconds_count", ("dialect", "openai")),
                           total(before, "strata_request_duration_seconds_count", ("dialect", "openai")))
        self.assertGreater(total(after, "strata_model_tokens_total"), total(before, "strata_model_tokens_total"))
        self.assertGreater(total(after, "process_resident_memory_bytes"), 1e6)
        self.assertGreaterEqual(total(after, "strata_connections_open"), 1)
        self.assertEqual(total(after, "strata_build_info"), 1)
        self.assertEqual(total(after, "strata_ready"), 1)


class Browsers(unittest.TestCase):
    ORIGIN = "https://app.example.com"

    @classmethod
    def setUpClass(cls):
        cls.server = Server(f"server.cors_origins: [\"{cls.ORIGIN}\"]\nserver.metrics_access: loopback\n", documents=False)

    def preflight(self, path, origin, to=None):
        return (to or self.server).get(path, {"Origin": origin, "Access-Control-Request-Method": "POST",
                                              "Access-Control-Request-Headers": "authorization,content-type"}, "OPTIONS")

    def test_preflight_of_every_inference_route_needs_no_key(self):
        for path in ("/v1/chat/completions", "/v1/embeddings", "/v1/messages", "/model/x/converse",
                     "/model/x/invoke-with-response-stream", "/knowledgebases/KB12345678/retrieve"):
            status, headers, _ = self.preflight(path, self.ORIGIN)
            self.assertEqual(status, 204, path)
            self.assertEqual(headers["access-control-allow-origin"], self.ORIGIN)
            self.assertEqual(headers["access-control-allow-headers"], "authorization,content-type")
            self.assertIn("POST", headers["access-control-allow-methods"])
            self.assertIn("Origin", headers["vary"])

    def test_another_origin_gets_no_permission(self):
        status, headers, _ = self.preflight("/v1/messages", "https://evil.example")
        self.assertEqual(status, 403)
        self.assertIsNone(headers["access-control-allow-origin"])

    def test_by_default_no_origin_may_call(self):
        status, headers, _ = self.preflight("/v1/messages", self.ORIGIN, server())
        self.assertEqual(status, 403)
        self.assertIsNone(headers["access-control-allow-origin"])

    def test_errors_can_be_read_too(self):
        status, headers, _ = self.server.get("/v1/models", {"Origin": self.ORIGIN})
        self.assertEqual(status, 401)
        self.assertEqual(headers["access-control-allow-origin"], self.ORIGIN)
        self.assertIn("x-strata-trace-id", headers["access-control-expose-headers"])

    def test_metrics_on_this_machine_need_no_key_where_that_is_configured(self):
        self.assertEqual(self.server.get("/metrics")[0], 200)
        self.assertEqual(self.server.get("/metrics", {"X-Forwarded-For": "203.0.113.9"})[0], 401)


class Reload(unittest.TestCase):
    def setUp(self):
        self.upstream = FakeUpstream()
        self.server = Server(config_for(self.upstream), ENV, documents=False)

    def tearDown(self):
        self.server.stop()

    def models(self):
        status, _, body = self.server.get("/v1/models", KEY)
        self.assertEqual(status, 200)
        return {m["id"] for m in json.loads(body)["data"]}

    def test_aliases_come_and_go(self):
        self.server.configure(config_for(self.upstream, "aliases: {small: builtin/extract}\n"))
        self.assertIn("aliases", self.server.cli("reload"))
        self.assertIn("small", self.models())
        self.server.configure(config_for(self.upstream))
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.time() + 10
        while "small" in self.models() and time.time() < deadline:
            time.sleep(0.05)
        self.assertNotIn("small", self.models())

    def test_a_provider_added_by_command_outlives_a_reload(self):
        self.server.cli("provider", "add", "late", "--kind", "openai", "--base-url", self.upstream.url + "/v1")
        self.server.configure(config_for(self.upstream, "aliases: {small: builtin/extract}\n"))
        self.assertIn("aliases", self.server.cli("reload"))
        self.assertIn("small", self.models())
        self.assertIn("late", self.server.cli("provider", "list"))

    def test_a_bad_file_is_refused_with_its_line_and_the_old_one_goes_on(self):
        self.server.configure(config_for(self.upstream, "aliases: {small: builtin/extract}\nserver.cors_origins: [nonsense]\n"))
        done = run_strata(self.server.data, "reload", env=self.server.env)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"strata.yaml:\d+: server.cors_origins: 'nonsense'")
        self.assertNotIn("small", self.models())
        metrics = parse_metrics(self.server.get("/metrics", KEY)[2].decode())
        self.assertEqual(total(metrics, "strata_config_reload_failures_total"), 1)

    def test_retries_are_those_of_the_file_from_the_next_request_on(self):
        client = client_of(self.server)
        fails = {"status": 503, "times": 2}
        for retries in (0, 2, 0):
            self.server.configure(config_for(self.upstream, f"resilience: {{retries: {retries}, retry_base: 1}}\n"))
            self.assertIn("resilience.retries", self.server.cli("reload"))
            self.upstream.script(fails)
            if retries == 0:
                with self.assertRaises(openai.InternalServerError):
                    ask(client)
            else:
                ask(client)
            self.assertEqual(len(self.upstream.requests()), 1 + retries)

    def test_a_model_that_is_new_is_named(self):
        self.server.configure(config_for(self.upstream, f"models:\n  - {{id: newcomer, deployments: [{MODEL}]}}\n"))
        self.assertIn("models", self.server.cli("reload"))
        self.assertIn("newcomer", self.models())
        self.server.configure(config_for(self.upstream, ""))
        self.assertIn("models", self.server.cli("reload"))
        self.assertNotIn("newcomer", self.models())

    def test_options_that_need_a_restart_are_named(self):
        self.server.configure(config_for(self.upstream, "net.threads: 3\nnet.header_timeout_ms: 7000\nserver.request_timeout: 77\n"))
        out = self.server.cli("reload")
        changed, _, restart = out.partition("after a restart")
        self.assertIn("server.request_timeout", changed)
        self.assertIn("net.header_timeout_ms", changed)
        self.assertIn("net.threads", restart)
        self.assertIn("--takeover", restart)

    def test_no_request_is_dropped_by_fifty_reloads(self):
        load = Load(self.server.url)
        for i in range(50):
            self.server.configure(config_for(self.upstream, f"aliases: {{a{i}: builtin/extract}}\nserver.request_timeout: {100 + i}\n"))
            self.server.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        out = self.server.cli("reload")
        answered = load.stop()
        self.assertEqual(load.failures, [])
        self.assertGreater(answered, 50)
        self.assertIn("a49", self.models(), out)
        self.assertTrue(self.server.alive())


class ReloadOfOtherThings(unittest.TestCase):
    def test_probes_follow_a_provider_to_its_new_address(self):
        upstream = FakeUpstream()
        config = 'resilience: {{retries: 0, probe_every: 1}}\nproviders:\n' \
                 '  - {{name: up, kind: openai, base_url: "{}/v1", secret: "env:FAKE_KEY"}}\n'
        server = Server(config.format(f"http://127.0.0.1:{free_port()}"), ENV, documents=False)
        with self.assertRaises(openai.InternalServerError):
            ask(client_of(server))
        server.configure(config.format(upstream.url))
        self.assertIn("providers.up", server.cli("reload"))
        deadline = time.time() + 20
        while not any(r["target"].endswith("/models") for r in upstream.requests()):
            self.assertLess(time.time(), deadline, "the new address was never probed")
            time.sleep(0.1)
        server.stop()

    def test_certificates_are_read_again_all_or_none(self):
        makers = [Server(documents=False), Server(documents=False)]  # each makes a certificate of its own
        for maker in makers:
            stop_process(maker.process)
        folder = tempfile.mkdtemp(prefix="strata-tls-")
        files = {name: os.path.join(folder, name) for name in ("server.pem", "server-key.pem")}

        def install(maker, *names):
            for name in names:
                shutil.copy(os.path.join(maker.data, "tls", name), files[name])
        install(makers[0], *files)
        port = free_port()
        config = f"server: {{tls_certificate: '{files['server.pem']}', tls_private_key: '{files['server-key.pem']}'}}\n"
        server = Server(config, documents=False, tls_listen=f"127.0.0.1:{port}")

        def shown():
            return ssl.get_server_certificate(("127.0.0.1", port), timeout=20)
        first = shown()
        install(makers[1], "server.pem")  # does not belong to the key
        done = run_strata(server.data, "reload", env=server.env)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(shown(), first)
        install(makers[1], "server-key.pem")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.time() + 20
        while shown() == first:
            self.assertLess(time.time(), deadline, "the old certificate is still shown")
            time.sleep(0.1)
        install(makers[0], *files)
        server.cli("reload")
        self.assertEqual(shown(), first)
        for each in (server, *makers):
            each.stop()
        shutil.rmtree(folder)


class ReloadOfListeners(unittest.TestCase):
    def setUp(self):
        self.upstream = FakeUpstream()
        self.port = free_port()
        self.server = Server(self.config(self.port), ENV, documents=False, listen=None)

    def tearDown(self):
        self.server.stop()

    def config(self, port, tls="''", more=""):
        return config_for(self.upstream, f"server.listen: '127.0.0.1:{port}'\nserver.tls_listen: {tls}\n" + more)

    def reload(self, *config, **more):
        self.server.configure(self.config(*config, **more))
        return self.server.cli("reload")

    def refuses(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) != 0

    def test_listeners_and_limits_change_without_a_dropped_request(self):
        load = Load(self.server.url)
        for i in range(10):
            first, second = free_port(), free_port()
            self.assertIn("server.tls_listen", self.reload(self.port, f"'127.0.0.1:{first}'", f"net.idle_timeout_ms: {60_000 + i}\n"))
            shown = ssl.get_server_certificate(("127.0.0.1", first), timeout=20)
            self.reload(self.port, f"'127.0.0.1:{second}'", f"net.reuse_port: true\nnet.client.idle_connections_max: {i + 1}\n")
            self.assertEqual(ssl.get_server_certificate(("127.0.0.1", second), timeout=20), shown)
            self.reload(self.port)
            deadline = time.time() + 10
            while not (self.refuses(first) and self.refuses(second)):
                self.assertLess(time.time(), deadline, "a listener that was taken out still listens")
                time.sleep(0.02)
        answered = load.stop()
        self.assertEqual(load.failures, [])
        self.assertGreater(answered, 50)

    def test_the_plain_listener_moves_and_commands_follow(self):
        kept = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        kept.request("GET", "/healthz")
        kept.getresponse().read()
        there = free_port()
        out = self.reload(there)
        self.assertIn("server.listen", out)
        self.assertNotIn("after a restart", out)
        kept.request("GET", "/healthz")
        self.assertEqual(kept.getresponse().status, 200)
        deadline = time.time() + 10
        while not self.refuses(self.port):
            self.assertLess(time.time(), deadline)
            time.sleep(0.02)
        self.server.url = f"http://127.0.0.1:{there}"
        self.assertTrue(self.server.alive())
        self.assertIn("up", self.server.cli("provider", "list"))
        client = client_of(self.server)
        answer = client.chat.completions.with_raw_response.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
        self.assertTrue(answer.headers["x-strata-trace-url"].startswith(self.server.url + "/console/trace/"))

    def test_an_address_that_is_taken_refuses_the_whole_reload(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            self.server.configure(self.config(other.getsockname()[1], more="aliases: {small: builtin/extract}\n"))
            done = run_strata(self.server.data, "reload", env=self.server.env)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot listen on 127.0.0.1:", done.stderr)
        self.assertTrue(self.server.alive())
        self.assertNotIn(b"small", self.server.get("/v1/models", KEY)[2])

    def test_a_limit_holds_for_the_next_request(self):
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "x" * 5000}]})
        kept = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        statuses = []
        for limit in (100_000, 2000):
            self.assertIn("net.body_bytes_max", self.reload(self.port, more=f"net.body_bytes_max: {limit}\n"))
            kept.request("POST", "/v1/chat/completions", body, {**KEY, "content-type": "application/json"})
            answer = kept.getresponse()
            answer.read()
            statuses.append(answer.status)
        self.assertEqual(statuses, [200, 413])

    def test_a_server_that_is_told_to_share_its_port_hands_over(self):
        self.reload(self.port, more="net.reuse_port: true\n")
        load = Load(self.server.url)
        time.sleep(0.2)
        self.assertEqual(self.server.take_over(), 0)
        time.sleep(0.2)
        answered = load.stop()
        self.assertEqual(load.failures, [])
        self.assertGreater(answered, 10)


class Stopping(unittest.TestCase):
    def broken_off(self, server, upstream):
        """A call that lasts until the server ends: the thread that waits for it, once it has reached the provider."""
        upstream.script({"text": "very slow answer", "delay_ms": 20000})

        def wait():
            with self.assertRaises(openai.APIError):
                ask(client_of(server))

        waiting = threading.Thread(target=wait)
        waiting.start()
        until = time.monotonic() + 30
        while not upstream.requests():
            self.assertLess(time.monotonic(), until, "the call has not reached the provider")
            time.sleep(0.05)
        return waiting

    def test_a_stream_that_runs_is_finished_and_nothing_new_is_taken(self):
        upstream = FakeUpstream()
        server = Server(config_for(upstream), ENV, documents=False)
        upstream.script({"text": "slow answer", "delay_ms": 1000})
        got = []

        def read():
            for chunk in ask(client_of(server), stream=True):
                got.extend(c.delta.content or "" for c in chunk.choices)

        asking = threading.Thread(target=read)
        asking.start()
        time.sleep(0.4)
        server.process.terminate()
        time.sleep(0.3)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=5).close()
        asking.join(30)
        self.assertTrue("".join(got), server.log_text())
        self.assertEqual(server.process.wait(30), 0)
        self.assertIn('"event":"server.drained","cancelled":0', server.log_text())
        server.stop()

    def test_a_second_signal_does_not_wait(self):
        upstream = FakeUpstream()
        server = Server(config_for(upstream), ENV, documents=False)
        asking = self.broken_off(server, upstream)
        start = time.time()
        server.process.terminate()
        time.sleep(0.5)
        server.process.terminate()
        self.assertEqual(server.process.wait(15), 0)
        self.assertLess(time.time() - start, 8)
        asking.join(30)
        server.stop()

    def test_a_call_that_a_kill_interrupts_is_in_the_costs_as_an_estimate(self):
        upstream = FakeUpstream()
        server = Server(f"""
providers:
  - name: up
    kind: openai
    base_url: "{upstream.url}/v1"
    secret: "env:FAKE_KEY"
    models: [{{id: gpt-4o-mini, price: {{input: 1000, output: 1000, as_of: 2026-11-01}}}}]
""", ENV, documents=False)
        asking = self.broken_off(server, upstream)
        server.process.kill()
        server.process.wait(15)
        asking.join(30)
        table = server.cli("cost")
        self.assertRegex(table, MODEL + r" +1 .*\([0-9.]+ of it estimated, 1 call\)\n")
        self.assertIn("no provider counted the tokens", table)
        row = next(csv.DictReader(io.StringIO(server.cli("cost", "--csv"))))
        self.assertEqual((row["group"], row["estimated_calls"], row["estimated_usd"]), (MODEL, "1", row["cost_usd"]))
        self.assertGreater(float(row["cost_usd"]), 0)
        server.stop()


class HandOver(unittest.TestCase):
    def test_no_request_fails_while_successors_take_over_and_the_ledger_has_them_all(self):
        upstream = FakeUpstream()
        server = Server(config_for(upstream, "net.reuse_port: true\n"), ENV, documents=False,
                        listen=f"127.0.0.1:{free_port()}")
        load = Load(server.url)
        for _ in range(3):
            time.sleep(0.5)
            self.assertEqual(server.take_over(), 0)
            self.assertEqual(server.get("/readyz")[0], 200)
        time.sleep(0.5)
        answered = load.stop()
        self.assertEqual(load.failures, [])
        self.assertGreater(answered, 100)
        self.assertIn(str(answered), server.cli("cost", "--by", "model", "--csv"))
        server.stop()

    def test_a_predecessor_that_hangs_is_ended_and_the_ledger_is_whole(self):
        upstream = FakeUpstream()
        server = Server(config_for(upstream, "net.reuse_port: true\nserver.drain_timeout: 1\n"), ENV, documents=False,
                        listen=f"127.0.0.1:{free_port()}")
        client = client_of(server)
        ask(client)
        server.process.send_signal(signal.SIGSTOP)
        self.assertEqual(server.take_over(), -signal.SIGKILL)
        client.close()
        ask(client_of(server))
        self.assertIn(",2,", server.cli("cost", "--by", "model", "--csv").split(MODEL)[1])
        server.stop()

    # ---- the master key

    def test_a_new_master_key_seals_all_secrets_again(self):
        running = Server(documents=False)
        path = os.path.join(running.data, "secrets", "master.key")

        def master():
            with open(path, encoding="utf-8") as f:
                return f.read()

        def check_signed_requests():
            boto3.client("bedrock", endpoint_url=running.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                         aws_secret_access_key=SECRET_KEY).list_foundation_models()

        def restart():
            running.process = running.start()
            running.wait_until_ready()
        first = master()
        self.assertIn("sealed again: 2", running.cli("key", "rotate-master"))
        check_signed_requests()
        newest = master().splitlines()[0]
        self.assertEqual(master().splitlines(), [newest, *first.splitlines()])
        # The old key is not needed any more, and no server is needed for a rotation.
        stop_process(running.process)
        with open(path, "w", encoding="utf-8") as f:
            f.write(newest + "\n")
        restart()
        check_signed_requests()
        stop_process(running.process)
        self.assertIn("sealed again: 2", running.cli("key", "rotate-master"))
        self.assertEqual(len(master().splitlines()), 2)
        restart()
        check_signed_requests()
        # A key of the operator's own is the operator's to change.
        stop_process(running.process)
        running.configure(f"store.master_key: file:{path}\n")
        restart()
        before = master()
        refused = run_strata(running.data, "key", "rotate-master", env=running.env)
        self.assertEqual((refused.returncode == 0, "store.master_key" in refused.stderr), (False, True), refused.stderr)
        self.assertEqual(master(), before)
        check_signed_requests()
        running.stop()

    # ---- administration while documents are parsed

    @staticmethod
    def children(pid):
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as f:
                    parent = f.read().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if int(parent) == pid:
                found.append(int(name))
        return found

    def hold_a_parser(self, running, ask):
        """Stops the child that parses the document of a request: (its pid, the request's thread)."""
        for _ in range(20):
            thread = threading.Thread(target=ask)
            thread.start()
            while thread.is_alive():
                for child in self.children(running.process.pid):
                    os.kill(child, signal.SIGSTOP)
                    thread.join(0.5)
                    if thread.is_alive():
                        return child, thread
            thread.join()
        self.fail("no parser was seen")

    def test_administration_does_not_wait_for_documents_that_are_parsed(self):
        running = Server("kb.parse.processes: 1\n", documents=False)
        runtime = boto3.client("bedrock-runtime", endpoint_url=running.url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
                               aws_secret_access_key=SECRET_KEY)
        with open(os.path.join(SAMPLES, "storage-manual.pdf"), "rb") as f:
            document = {"document": {"format": "pdf", "name": "manual", "source": {"bytes": f.read()}}}
        answers = []

        def converse():
            answers.append(runtime.converse(modelId="builtin/extract", messages=[{"role": "user", "content": [
                document, {"text": "Who must be called when a glass plate breaks?"}]}]))
        child, thread = self.hold_a_parser(running, converse)
        try:
            running.cli("cost")
            running.cli("provider", "add", "other", "--kind", "openai", "--base-url", "http://127.0.0.1:9/v1", "--secret", "env:NOBODY")
            running.cli("provider", "remove", "other")
            running.cli("backup", os.path.join(running.folder, "copy"))
            self.assertTrue(thread.is_alive(), "the document was parsed first")
        finally:
            os.kill(child, signal.SIGCONT)
            thread.join()
        self.assertTrue(answers[-1]["output"]["message"]["content"])
        running.stop()

    def test_the_predecessor_of_nobody_is_just_a_start(self):
        upstream = FakeUpstream()
        server = Server(config_for(upstream, "net.reuse_port: true\n"), ENV, documents=False,
                        listen=f"127.0.0.1:{free_port()}")
        os.kill(server.process.pid, signal.SIGKILL)
        server.take_over()
        self.assertTrue(server.alive())
        server.stop()


if __name__ == "__main__":
    unittest.main()

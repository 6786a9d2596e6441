#!/usr/bin/env python3
"""What a request costs in strata, beside nginx proxy_pass in the same run.

Question: what do key check, journal, ledger and trace (without texts) add to what any proxy must do? In CPU time a request, plain
and streamed, with a plain and a TLS upstream, and where the provider speaks another dialect; in time to the first chunk; in how
long a provider keeps working for a client that has left; and in memory.

wrk asks nginx and strata in turn, with the same connections and body, for some rounds; the upstream is bench_gateway, one thread
with canned answers, behind an nginx that ends TLS for the TLS rows. CPU is user + system time of the process and its children from
/proc, so other load on the machine moves it less than wall-clock time; the ratio is the median over the rounds' pairs. One io
thread for strata, one worker for nginx. In-process models are not loaded (models.load: on_use).

    bench/gateway/run.py --build build/release               # everything: about six minutes
    bench/gateway/run.py --build build/release --quick       # short phases, 10,000 requests for the memory row
    bench/gateway/run.py … --only cpu|first|gone|memory      # one part; --soak SECONDS watches memory under load
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

KEY = "sk-strata-bench-gateway-0123456789"
PROMPT = "word " * 80
EVENTS = 67

NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; keepalive_requests 1000000; client_body_buffer_size 64k;
  {blocks}
}}
"""

PROXY = """
  upstream {name} {{ server {server}; keepalive 64; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_pass {scheme}://{name}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    proxy_ssl_verify off; proxy_ssl_session_reuse on; }} }}
"""

TLS_END = """
  upstream end {{ server {server}; keepalive 64; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{ proxy_pass http://end; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }}
"""

CONFIG = """
server: {{detect_providers: false, trace_text: false}}
models.load: on_use
net: {{threads: 1, client: {{ca_file: '{cert}'}}}}
providers:
  - {{name: plain, kind: openai, base_url: 'http://{upstream}/v1', secret: 'env:BENCH_KEY', models: [fake-model]}}
  - {{name: tls, kind: openai, base_url: 'https://127.0.0.1:{tls}/v1', secret: 'env:BENCH_KEY', models: [fake-model]}}
  - {{name: other, kind: anthropic, base_url: 'http://{upstream}', secret: 'env:BENCH_KEY', models: [fake-model]}}
"""


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def family(pid):
    return [pid] + [int(c) for c in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]


def cpu_seconds(pid):
    """User and system time of a process and its children, in seconds."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for one in family(pid):
        with open(f"/proc/{one}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024


class Stack:
    """Everything that runs, stopped in reverse."""

    def __init__(self, build):
        self.dir = tempfile.mkdtemp(prefix="strata-bench-")
        self.build = build
        self.processes = []
        self.start_all()

    def start(self, args, ready=None, **more):
        process = subprocess.Popen(args, stdout=subprocess.PIPE if ready else subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   text=True, **more)
        self.processes.append(process)
        if ready:
            for line in process.stdout:
                if m := re.match(ready, line):
                    return process, m[1]
            sys.exit(f"{args[0]} did not get ready")
        return process, None

    def nginx(self, name, blocks):
        folder = os.path.join(self.dir, name)
        os.mkdir(folder)
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w") as f:
            f.write(NGINX.format(dir=folder, blocks=blocks))
        return self.start(["nginx", "-p", folder, "-c", conf])[0]

    def start_all(self):
        self.peer, port = self.start([os.path.join(self.build, "bench/gateway/bench_gateway")], r"ready (\d+)", stdin=subprocess.PIPE)
        upstream = f"127.0.0.1:{port}"
        self.upstream_port = int(port)
        cert, key = os.path.join(self.dir, "c.pem"), os.path.join(self.dir, "k.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        tls = free_port()
        self.nginx("end", TLS_END.format(server=upstream, port=tls, cert=cert, key=key))
        self.proxies = {}
        for kind, server, scheme in (("plain", upstream, "http"), ("tls", f"127.0.0.1:{tls}", "https")):
            at = free_port()
            self.proxies[kind] = (self.nginx(kind, PROXY.format(name=kind, server=server, scheme=scheme, port=at)), at)
        config = os.path.join(self.dir, "strata.yaml")
        with open(config, "w") as f:
            f.write(CONFIG.format(cert=cert, upstream=upstream, tls=tls))
        data, strata = os.path.join(self.dir, "data"), os.path.join(self.build, "strata")
        self.strata, url = self.start([strata, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0",
                                       "--tls-listen", ""], r"ready (\S+)", env=dict(os.environ, BENCH_KEY=KEY))
        self.strata_port = int(url.rsplit(":", 1)[1])
        subprocess.run([strata, "--data", data, "key", "create", "--bearer", KEY], check=True, capture_output=True)

    def probe(self, *words):
        """One command of bench_gateway."""
        self.peer.stdin.write(" ".join(map(str, words)) + "\n")
        self.peer.stdin.flush()
        return json.loads(self.peer.stdout.readline())

    def load(self, port, model, stream, seconds, connections):
        """Runs wrk; (requests done, failures)."""
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
        if stream:
            body["stream"] = True
        lua = os.path.join(self.dir, "post.lua")
        with open(lua, "w") as f:
            f.write('wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
                    f'wrk.headers["authorization"] = "Bearer {KEY}"\nwrk.body = [==[{json.dumps(body)}]==]\n')
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", lua,
                              f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
        return int(re.search(r"(\d+) requests in", out)[1]), (int(bad[1]) if bad else 0) + sum(map(int, lost.groups() if lost else ()))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(40)
        shutil.rmtree(self.dir, ignore_errors=True)


def cpu_row(stack, args, name, proxy, model, stream, target):
    """Medians over the rounds, and the median of the ratios of each round's pair."""
    sides = {"nginx": (*stack.proxies[proxy], "fake-model"), "strata": (stack.strata, stack.strata_port, model)}
    costs, rates, failed = {s: [] for s in sides}, {s: [] for s in sides}, 0
    for process, port, asked in sides.values():
        stack.load(port, asked, stream, 1, args.connections)  # warm-up: connections, code, keys
    time.sleep(0.5)
    for _ in range(args.rounds):
        for side, (process, port, asked) in sides.items():
            before, started = cpu_seconds(process.pid), time.monotonic()
            done, bad = stack.load(port, asked, stream, args.seconds, args.connections)
            took = time.monotonic() - started
            time.sleep(0.5)  # the ledger and the trace store belong to the request's cost
            costs[side].append((cpu_seconds(process.pid) - before) / max(1, done) * 1e6)
            rates[side].append(done / took)
            failed += bad
    ratio = statistics.median(s / n for s, n in zip(costs["strata"], costs["nginx"]))
    nginx, strata = (statistics.median(costs[s]) for s in ("nginx", "strata"))
    print(f"{name:<44} {nginx:>10.1f} {strata:>10.1f} {ratio:>7.2f} {target:>9}   "
          f"{statistics.median(rates['nginx']):.0f} / {statistics.median(rates['strata']):.0f} a second, {failed} failed", flush=True)


def measure_cpu(stack, args):
    print(f"{'CPU, µs a request':<44} {'nginx':>10} {'strata':>10} {'ratio':>7} {'target':>9}   rates", flush=True)
    cpu_row(stack, args, "same dialect, plain upstream", "plain", "plain/fake-model", False, "≤ 2.0")
    cpu_row(stack, args, "same dialect, TLS upstream", "tls", "tls/fake-model", False, "≤ 2.0")
    cpu_row(stack, args, f"stream of {EVENTS} events, plain upstream", "plain", "plain/fake-model", True, "≤ 2.0")
    cpu_row(stack, args, f"stream of {EVENTS} events, TLS upstream", "tls", "tls/fake-model", True, "")
    cpu_row(stack, args, "OpenAI in, Anthropic out", "plain", "other/fake-model", False, "≤ 4.0")
    cpu_row(stack, args, f"OpenAI in, Anthropic out, {EVENTS} events", "plain", "other/fake-model", True, "")


def measure_first(stack, args):
    count = 100 if args.quick else 400
    sides = {"direct": (stack.upstream_port, "fake-model"), "nginx": (stack.proxies["plain"][1], "fake-model"),
             "strata": (stack.strata_port, "plain/fake-model")}
    took = {side: stack.probe("first", *to, KEY, 50, count) for side, to in sides.items()}
    direct, nginx, strata = (took[side]["ms_p50"] for side in sides)
    print(f"{'time to first chunk added, ms p50 at 50/s':<44} {nginx - direct:>10.3f} {strata - direct:>10.3f} "
          f"{strata - nginx:>+7.3f} {'≤ +0.2':>9}", flush=True)


def measure_gone(stack, args):
    count = 50 if args.quick else 200
    for form in ("stream", "whole"):
        got = stack.probe("gone", stack.strata_port, "plain/fake-model", KEY, form, count)
        print(f"{'client gone → upstream closed, ms p99, ' + form:<44} {'':>10} {got['ms_p99']:>10.2f} {'':>7} {'≤ 50':>9}   "
              f"p50 {got['ms_p50']:.2f}, {got['failed']} failed", flush=True)


def measure_memory(stack, args, idle):
    print(f"{'resident memory, MiB: idle':<44} {'':>10} {idle:>10.1f} {'':>7} {'≤ 30':>9}", flush=True)
    wanted, done, bad = (10_000 if args.quick else 100_000), 0, 0
    while done < wanted:
        more, lost = stack.load(stack.strata_port, "plain/fake-model", False, 2 if args.quick else 5, args.connections)
        done, bad = done + more, bad + lost
    print(f"{f'resident memory, MiB: after {wanted:,} requests':<44} {'':>10} {resident_mib(stack.strata.pid):>10.1f} {'':>7} "
          f"{'≤ 60':>9}   {done:,} asked, {bad} failed", flush=True)
    held = stack.probe("hold", stack.strata_port, "plain/fake-model", KEY, 1000)["held"]
    print(f"{f'resident memory, MiB: {held} open streams':<44} {'':>10} {resident_mib(stack.strata.pid):>10.1f} {'':>7} {'≤ 120':>9}",
          flush=True)
    stack.probe("release")


def soak(stack, args):
    """Memory while requests and streams come without a pause: flat or not."""
    until, samples = time.monotonic() + args.soak, []
    while time.monotonic() < until:
        for stream in (False, True):
            stack.load(stack.strata_port, "plain/fake-model", stream, 5, args.connections)
        samples.append(resident_mib(stack.strata.pid))
    print(f"resident memory over {args.soak} s of load, MiB: " + " ".join(f"{s:.1f}" for s in samples), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("cpu", "first", "gone", "memory"))
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS")
    args = parser.parse_args()
    if args.quick:
        args.seconds, args.rounds = min(args.seconds, 2), min(args.rounds, 2)
    stack = Stack(os.path.abspath(args.build))
    try:
        time.sleep(1)
        idle = resident_mib(stack.strata.pid)
        parts = {"cpu": measure_cpu, "first": measure_first, "gone": measure_gone,
                 "memory": lambda stack, args: measure_memory(stack, args, idle)}
        for name, part in parts.items():
            if args.only in (None, name):
                part(stack, args)
        if args.soak:
            soak(stack, args)
    finally:
        stack.stop()


if __name__ == "__main__":
    main()

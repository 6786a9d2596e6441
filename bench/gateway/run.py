#!/usr/bin/env python3
"""CPU of strata a request, beside nginx proxy_pass in the same run.

Question: what does a chat request cost in CPU time when it passes through strata (key checked, journalled, traced) instead of
through nginx, plain and streamed, with a plain and with a TLS upstream?

Both are asked by wrk with the same connections and body, in turn, for some rounds; the upstream is strata-fake-provider, behind
an nginx that ends TLS for the TLS rows. CPU is user + system time of the process (and its children) from /proc, so other load
on the machine moves it less than wall-clock time. One io thread for strata, one worker for nginx.

    bench/gateway/run.py --build build/release [--seconds 4] [--rounds 3] [--connections 16]
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
import urllib.request

KEY = "sk-strata-bench-gateway-0123456789"
PROMPT = "word " * 80
STREAM_EVENTS = 64
BODY = {"model": "up/fake-model", "messages": [{"role": "user", "content": PROMPT}]}

NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
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


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process and all its descendants, in seconds."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for one in [pid] + [int(c) for c in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]:
        with open(f"/proc/{one}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


class Stack:
    """Everything that runs, stopped in reverse."""

    def __init__(self, build):
        self.dir = tempfile.mkdtemp(prefix="strata-bench-")
        self.build = build
        self.processes = []

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

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(40)
        shutil.rmtree(self.dir, ignore_errors=True)


def script_upstream(url):
    words = [f" word{i}" for i in range(STREAM_EVENTS)]
    body = {"reset": True, "answers": [{"chunks": words, "times": 0}]}
    request = urllib.request.Request(url + "/_script", json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request).read()


def load(stack, url, stream, seconds, connections, expect):
    """Runs wrk; (requests done, failures)."""
    lua = os.path.join(stack.dir, "post.lua")
    body = dict(BODY, model="up/fake-model" if expect == "strata" else "fake-model")
    if stream:
        body["stream"] = True
    with open(lua, "w") as f:
        f.write('wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
                f'wrk.headers["authorization"] = "Bearer {KEY}"\nwrk.body = [==[{json.dumps(body)}]==]\n')
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", lua, url + "/v1/chat/completions"],
                         capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return requests, int(bad[1]) if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    stack = Stack(os.path.abspath(args.build))
    try:
        measure(stack, args)
    finally:
        stack.stop()


def measure(stack, args):
    fake_bin = os.path.join(stack.build, "tests/fakes/strata-fake-provider")
    _, fake = stack.start([fake_bin, "--listen", "127.0.0.1:0"], r"ready (\S+)")
    script_upstream(fake)
    fake_host = fake.removeprefix("http://")
    cert, key = os.path.join(stack.dir, "c.pem"), os.path.join(stack.dir, "k.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    tls_port, plain_proxy, tls_proxy = free_port(), free_port(), free_port()
    stack.nginx("end", TLS_END.format(server=fake_host, port=tls_port, cert=cert, key=key))
    proxies = {
        "plain": (stack.nginx("plain", PROXY.format(name="a", server=fake_host, scheme="http", port=plain_proxy)),
                  f"http://127.0.0.1:{plain_proxy}"),
        "tls": (stack.nginx("tls", PROXY.format(name="b", server=f"127.0.0.1:{tls_port}", scheme="https", port=tls_proxy)),
                f"http://127.0.0.1:{tls_proxy}"),
    }
    gateways = {}
    for kind, base in (("plain", fake), ("tls", f"https://127.0.0.1:{tls_port}")):
        data = os.path.join(stack.dir, f"data-{kind}")
        config = os.path.join(stack.dir, f"{kind}.yaml")
        with open(config, "w") as f:
            f.write(f"server: {{detect_providers: false, trace_text: false}}\nnet: {{threads: 1, client: {{ca_file: '{cert}'}}}}\n"
                    f"providers:\n  - {{name: up, kind: openai, base_url: '{base}/v1', secret: 'env:BENCH_KEY', "
                    f"models: [fake-model], cleared_for_all_labels: true}}\n")
        strata = os.path.join(stack.build, "strata")
        gateways[kind] = stack.start([strata, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0",
                                      "--tls-listen", ""], r"ready (\S+)", env=dict(os.environ, BENCH_KEY=KEY))
        subprocess.run([strata, "--data", data, "key", "create", "--bearer", KEY], check=True, capture_output=True)
    rows = []
    for kind in ("plain", "tls"):
        for stream in (False, True):
            rows.append(row(stack, args, kind, stream, proxies[kind], gateways[kind]))
    print(f"{'upstream':<9} {'answer':<10} {'nginx CPU us/request':>22} {'strata CPU us/request':>22} {'ratio':>7} "
          f"{'nginx req/s':>12} {'strata req/s':>13} {'failed':>7}")
    for r in rows:
        print(f"{r['kind']:<9} {r['answer']:<10} {r['nginx']:>22.1f} {r['strata']:>22.1f} {r['ratio']:>7.2f} "
              f"{r['nginx_rate']:>12.0f} {r['strata_rate']:>13.0f} {r['failed']:>7}")


def row(stack, args, kind, stream, proxy, gateway):
    """Medians over the rounds, and the median of the ratios of each round's pair."""
    costs = {"nginx": [], "strata": []}
    rates = {"nginx": [], "strata": []}
    failed = 0
    load(stack, gateway[1], stream, 1, args.connections, "strata")  # warm-up: connections, code, keys
    load(stack, proxy[1], stream, 1, args.connections, "nginx")
    for _ in range(args.rounds):
        for name, (process, url) in (("nginx", proxy), ("strata", gateway)):
            before = cpu_seconds(process.pid)
            started = time.monotonic()
            done, bad = load(stack, url, stream, args.seconds, args.connections, name)
            took = time.monotonic() - started
            costs[name].append((cpu_seconds(process.pid) - before) / max(1, done) * 1e6)
            rates[name].append(done / took)
            failed += bad
    ratios = [s / n for s, n in zip(costs["strata"], costs["nginx"])]
    return dict(kind=kind, answer=f"{STREAM_EVENTS} events" if stream else "whole", failed=failed,
                nginx=statistics.median(costs["nginx"]), strata=statistics.median(costs["strata"]),
                ratio=statistics.median(ratios), nginx_rate=statistics.median(rates["nginx"]),
                strata_rate=statistics.median(rates["strata"]))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""CPU that net alone takes to proxy a request, beside nginx proxy_pass in the same run.

Question: what do net's server and client cost in CPU time to pass one request of 400 bytes and its answer of 600 bytes (or a
stream of 67 events) through, beside nginx, with a plain and with a TLS upstream?

wrk asks both in turn for some rounds. CPU is user + system time of the process from /proc. One io thread, one worker.

    bench/net/run.py --build build/release [--seconds 3] [--rounds 3] [--connections 16] [--only tls]
"""
import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NGINX = """
daemon off; worker_processes 1; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s; keepalive_requests 1000000; client_body_buffer_size 64k;
  upstream up {{ server {server}; keepalive 64; keepalive_requests 1000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_pass {scheme}://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    proxy_ssl_verify off; proxy_ssl_session_reuse on; }} }}
}}
"""
LUA = """wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer 0123456789"
wrk.body = string.rep("x", 400)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(lua, url, seconds, connections):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", lua, url], capture_output=True, text=True,
                         check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    return int(re.search(r"(\d+) requests in", out)[1]), int(bad[1]) if bad else sum(map(int, errors.groups())) if errors else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="strata-bench-net-")
    processes = []
    try:
        measure(args, folder, processes)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def measure(args, folder, processes):
    program = os.path.join(os.path.abspath(args.build), "bench/net/bench_net")
    cert, key, lua = (os.path.join(folder, name) for name in ("c.pem", "k.pem", "post.lua"))
    with open(lua, "w") as f:
        f.write(LUA)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)

    def start(argv):
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        line = process.stdout.readline().split()
        if line[:1] != ["ready"]:
            sys.exit(f"{argv} did not get ready")
        return process, line[1:]

    _, (plain, tls) = start([program, "upstream", cert, key])
    rows = []
    for kind, scheme, server, options in (
            ("plain", "http", plain, []), ("tls", "https", tls, ["net.client.http2=off"]), ("h2", "https", tls, [])):
        if args.only not in ("", kind):
            continue
        port = free_port()
        home = os.path.join(folder, kind)
        os.mkdir(home)
        with open(os.path.join(home, "nginx.conf"), "w") as f:
            f.write(NGINX.format(dir=home, server=server, port=port, scheme=scheme))
        nginx = subprocess.Popen(["nginx", "-p", home, "-c", os.path.join(home, "nginx.conf")], stderr=subprocess.DEVNULL)
        processes.append(nginx)
        proxy, (address,) = start([program, "proxy", f"{scheme}://{server}", f"net.client.ca_file={cert}", *options])
        time.sleep(0.3)
        for answer in ("/whole", "/stream"):
            rows.append(row(args, lua, kind, answer, (nginx, f"127.0.0.1:{port}"), (proxy, address)))
    print(f"{'upstream':<9} {'answer':<8} {'nginx us':>9} {'net us':>9} {'ratio':>6} {'nginx/s':>8} {'net/s':>8} {'failed':>7}")
    for r in rows:
        print("{:<9} {:<8} {:>9.1f} {:>9.1f} {:>6.2f} {:>8.0f} {:>8.0f} {:>7}".format(*r))


def row(args, lua, kind, answer, nginx, net):
    costs, rates, failed = {"nginx": [], "net": []}, {"nginx": [], "net": []}, 0
    for name, (_, address) in (("nginx", nginx), ("net", net)):
        load(lua, f"http://{address}{answer}", 1, args.connections)
    for _ in range(args.rounds):
        for name, (process, address) in (("nginx", nginx), ("net", net)):
            before, started = cpu_seconds(process.pid), time.monotonic()
            done, bad = load(lua, f"http://{address}{answer}", args.seconds, args.connections)
            costs[name].append((cpu_seconds(process.pid) - before) / max(1, done) * 1e6)
            rates[name].append(done / (time.monotonic() - started))
            failed += bad
    ratio = statistics.median(n / x for n, x in zip(costs["net"], costs["nginx"]))
    return (kind, answer, statistics.median(costs["nginx"]), statistics.median(costs["net"]), ratio,
            statistics.median(rates["nginx"]), statistics.median(rates["net"]), failed)


if __name__ == "__main__":
    main()

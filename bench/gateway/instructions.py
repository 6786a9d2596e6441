#!/usr/bin/env python3
"""Instructions that a chat request takes in strata, by thread and by function.

Question: where does the work of one request go? Counts are the same on a busy machine, unlike times. callgrind runs the server; one
connection asks it for answers of 1 KB with requests of 600 bytes, one after the other; key check, journal, ledger and a trace
without texts are on, as in run.py. The kernel is not counted, and valgrind shows the program no SHA or PCLMULQDQ instructions.

    bench/gateway/instructions.py --build build/release                        # the threads' sums and the io thread's functions
    bench/gateway/instructions.py … --model other/fake-model --top 60          # OpenAI in, Anthropic out
    bench/gateway/instructions.py … --keep /tmp/profile                        # callgrind's files, for callgrind_annotate
"""
import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from run import CONFIG, KEY, PROMPT

THREADS = {"Http1Connection": "io", "Drain::": "journal", "WriteTrace": "traces", "AppendAll": "ledger", "InsertRow": "ledger", "LedgerHash": "ledger"}


def ask(connection, model):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": PROMPT}]})
    connection.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {KEY}", "content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        sys.exit(f"the server answered {answer.status}")


def control(pid, *words):
    subprocess.run(["callgrind_control", *words, str(pid)], check=True, capture_output=True)


def run_server(args, folder, upstream):
    strata = os.path.join(folder, "strata")
    shutil.copy(os.path.join(args.build, "strata"), strata)
    subprocess.run(["strip", "-g", strata], check=True)  # valgrind cannot read clang's debug information
    config = os.path.join(folder, "strata.yaml")
    cert = os.path.join(folder, "c.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                    "-keyout", os.path.join(folder, "k.pem"), "-out", cert], check=True, capture_output=True)
    with open(config, "w") as f:
        f.write(CONFIG.format(cert=cert, upstream=f"127.0.0.1:{upstream}", tls=1))
    data = os.path.join(folder, "data")
    server = subprocess.Popen(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes", "--compress-strings=no",
                               f"--callgrind-out-file={folder}/callgrind.out", strata, "serve", "--data", data, "--config", config,
                               "--listen", "127.0.0.1:0", "--tls-listen", ""],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ, BENCH_KEY=KEY))
    try:
        url = next(m[1] for line in server.stdout if (m := re.match(r"ready (\S+)", line)))
        subprocess.run([os.path.join(args.build, "strata"), "--data", data, "key", "create", "--bearer", KEY], check=True, capture_output=True)
        connection = http.client.HTTPConnection(url.split("//")[1], timeout=60)
        for _ in range(50):
            ask(connection, args.model)
        time.sleep(2)  # what was asked so far is written
        control(server.pid, "--instr=on")
        for _ in range(args.requests):
            ask(connection, args.model)
        time.sleep(2)
        control(server.pid, "--dump")
        control(server.pid, "--instr=off")
        connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(120)


def annotate(path, *words):
    return subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=99.9", *words, path], capture_output=True, text=True).stdout


def report(args, folder):
    for name in sorted(os.listdir(folder)):
        if not re.fullmatch(r"callgrind\.out\.1-\d+", name):
            continue
        path = os.path.join(folder, name)
        text = annotate(path, "--inclusive=yes")
        found = re.search(r"([\d,]+) \(\s*[\d.]+%\)\s+PROGRAM TOTALS", text)
        total = int(found[1].replace(",", "")) if found else 0  # 0: a thread that did nothing
        role = next((role for word, role in THREADS.items() if word in text), None)
        if role is None or total < args.requests * 500:
            continue
        print(f"{role:<8} {total / args.requests:>10,.0f} instructions a request")
        if role != args.thread:
            continue
        for kind, lines in (("inclusive", text), ("self", annotate(path))):
            print(f"  {kind}")
            found = re.findall(r"^\s*([\d,]+) \([\s\d.]+%\)\s+(.*)$", lines, re.M)
            for count, what in [f for f in found if "PROGRAM TOTALS" not in f[1]][:args.top]:
                count = int(count.replace(",", "")) / args.requests
                print(f"  {count:>10,.0f}  {what.split(' [')[0].replace('???:', '')[:150]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--model", default="plain/fake-model")
    parser.add_argument("--thread", choices=sorted(THREADS.values()), default="io", help="whose functions are listed")
    parser.add_argument("--top", type=int, default=40)
    parser.add_argument("--keep", metavar="FOLDER", help="where callgrind's files are copied to")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="strata-callgrind-")
    upstream = subprocess.Popen([os.path.join(args.build, "bench/gateway/bench_gateway")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        run_server(args, folder, int(re.match(r"ready (\d+)", upstream.stdout.readline())[1]))
        report(args, folder)
        if args.keep:
            os.makedirs(args.keep, exist_ok=True)
            for name in os.listdir(folder):
                if name.startswith("callgrind.out"):
                    shutil.copy(os.path.join(folder, name), args.keep)
    finally:
        upstream.terminate()
        upstream.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Records which ways requests take through strata, for the compiler (STRATA_PROFILE in cmake/strata.cmake).

The load is that of run.py: plain and TLS upstream, whole and streamed, the same dialect and another. Few hundred requests would
do; some seconds make the shares of loops exact. What the file says is counts, so it does not matter how busy the machine is.

    cmake --preset release -B build/profile -DSTRATA_PROFILE=generate
    ninja -C build/profile strata bench_gateway
    bench/gateway/profile.py --build build/profile            # writes bench/gateway/strata.profdata

To be made again when the request path has changed much: functions that have changed since are compiled as without a profile.
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from run import Stack

# What is asked, and for how many seconds: most requests are plain, and a stream's events are many.
LOADS = (("plain/fake-model", False, 6), ("plain/fake-model", True, 3), ("tls/fake-model", False, 3), ("tls/fake-model", True, 1),
         ("other/fake-model", False, 3), ("other/fake-model", True, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/profile")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "strata.profdata"))
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="strata-profile-")
    os.environ["LLVM_PROFILE_FILE"] = os.path.join(folder, "%p.profraw")
    try:
        stack = Stack(os.path.abspath(args.build))
        try:
            for model, stream, seconds in LOADS:
                done, failed = stack.load(stack.strata_port, model, stream, seconds, 64)
                print(f"{model}{' streamed' if stream else ''}: {done} requests, {failed} failed", flush=True)
        finally:
            stack.stop()
        found = glob.glob(os.path.join(folder, "*.profraw"))
        if not found:
            sys.exit(f"{args.build} records nothing: configure it with -DSTRATA_PROFILE=generate")
        subprocess.run(["llvm-profdata-19", "merge", "--sparse", "-o", args.out, *found], check=True)
        print(f"{args.out}: {os.path.getsize(args.out) / 1024:.0f} KiB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

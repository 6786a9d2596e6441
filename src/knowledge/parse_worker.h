#pragma once
// The child side of parsing and page rendering: `strata parse-worker`. main() calls this when its
// first argument is "parse-worker" and returns what it returns.
//
// The child reads one request from stdin, gives up every right it does not need (seccomp
// allow-list, address space, CPU, no files), works, writes one answer to stdout and ends. It is
// never started by hand.

namespace strata::knowledge {

int ParseWorkerMain(int argc, char** argv);

}  // namespace strata::knowledge

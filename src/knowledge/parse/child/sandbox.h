#pragma once
// Gives up what a parser does not need: after EnterSandbox the process can compute, use memory,
// read and write descriptors that are open already, and end.

#include "base/result.h"

namespace strata::knowledge::child {

// A seccomp filter over system calls (an allow-list; opening files and asking about the system fail
// with EPERM, anything else kills the process with SIGSYS), for all threads of the process and for
// good. No executable memory can be made. kUnavailable when the kernel refuses: then nothing may be
// parsed.
Result<> EnterSandbox();

}  // namespace strata::knowledge::child

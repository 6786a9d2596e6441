// A model file of any bytes, tried in a child process as `strata model import` does: llama.cpp's
// loader aborts on some, and what it does stays in the child. Slow and blind (the child is another
// program), so it is the contract that is tested here, not the loader.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fuzz/memory_file.h"
#include "net/subprocess.h"
#include "provider/llama/backend.h"
#include "provider/llama/model_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kFileInChild = 5;
  constexpr std::uint64_t kMemory = std::uint64_t{8} << 30;
  const strata::fuzz::MemoryFile file({reinterpret_cast<const char*>(data), size});
  strata::net::ChildSpec child;
  child.argv = {STRATA_MODEL_TOOL, "validate", "/proc/self/fd/" + std::to_string(kFileInChild)};
  child.pass_fds = {{file.fd(), kFileInChild}};
  child.wall_time_max = std::chrono::seconds(15);
  if (strata::provider::llama::kLimitsFit) child.address_space_bytes_max = kMemory;
  const auto out = strata::net::RunChild(child);
  if (out && out->ok() && !strata::provider::llama::ParseModelCard(out->output)) std::abort();
  if (out && !out->ok() && out->signal == 0 && out->error_output.empty()) std::abort();
  return 0;
}

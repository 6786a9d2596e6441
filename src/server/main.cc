// The strata binary. Two hidden subcommands are child processes of a server: they touch hostile
// files.

#include <string_view>

#include "knowledge/parse_worker.h"
#include "provider/model_import.h"
#include "server/cli/cli.h"

int main(int argc, char** argv) {
  std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "parse-worker") return strata::knowledge::ParseWorkerMain(argc, argv);
  if (command == "validate-gguf" && argc > 2) return strata::provider::ValidateGgufMain(argv[2]);
  return strata::server::RunCli(argc, argv);
}

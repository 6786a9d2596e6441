// A router's definition from outside, as YAML or JSON: refused or consistent.

#include <cstdint>
#include <string>

#include "route/definition.h"
#include "server/routers/dry_run.h"
#include "server/routers/yaml_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  (void)strata::server::DecodeSample(text);
  auto tree = strata::server::ParseYaml(text);
  if (!tree.has_value()) return 0;
  auto router = strata::route::DecodeDefinition(*tree);
  if (!router.has_value()) return 0;
  if (router->Find(router->fallback) == nullptr) __builtin_trap();
  for (const auto& rule : router->rules) {
    for (const auto& model : rule.models) {
      if (router->Find(model) == nullptr) __builtin_trap();
    }
  }
  return 0;
}

// Model ids come from callers: resolving any bytes ends in a model or an error, and the price
// lookup (clauses, regular expressions) stays quick.

#include <cstdint>

#include "provider/catalog.h"
#include "provider/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const strata::provider::RegistrySnapshot kEmpty = [] {
    strata::provider::RegistrySnapshot snapshot;
    auto added = snapshot.AddAlias("amazon.titan-text-lite-v1", "smollm2");
    if (!added.has_value()) __builtin_trap();
    return snapshot;
  }();
  std::string_view id(reinterpret_cast<const char*>(data), size);
  if (kEmpty.Chat(id).has_value()) __builtin_trap();
  strata::provider::FindInCatalog("openrouter", id);
  strata::provider::FindInCatalog("azure", id);
  strata::provider::CatalogProviderOf(id);
  return 0;
}

#pragma once
// The catalog: prices and facts of models as their providers publish them, from the data of
// genai-prices (MIT), turned into C++ at build time by cmake/setup/make_catalog.py.
//
// A price that the data lacks, or that depends on what is not known beforehand (the time of day),
// is absent: never guessed, never 0. Where longer prompts cost more, the base price is given
// together with the length up to which it holds (Price::prompt_tokens_max).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/model_info.h"
#include "provider/spec.h"

namespace strata::provider {

struct CatalogEntry {
  std::string_view provider;  // genai-prices' id: "openai", "anthropic", "aws", "azure", …
  std::string_view id;        // the catalog's own id of the model, not always the one looked up
  std::string_view name;
  std::int64_t context_tokens = 0;  // 0: unknown
  domain::Price price;              // pico-USD per token; `as_of` is the data's date
};

// "genai-prices 0.2.3": pinned in ledger rows as DecidedBy::catalog.
std::string_view CatalogVersion();

// `provider` as the catalog or a ProviderSpec names it ("bedrock" is "aws"). Matching is
// genai-prices' own: the first model of that provider whose clause (equals, starts_with, ends_with,
// contains; regex: anywhere; all on the id in lower case) fits, then the providers that it falls
// back to, then the same with a compact date (-20251211) spelled -2025-12-11. Prices are those in
// force at `now` (UTC day). Found = false when no clause fits.
struct CatalogMatch {
  bool found = false;
  CatalogEntry entry;
};
CatalogMatch FindInCatalog(std::string_view provider, std::string_view upstream_id,
                           WallTime now = SystemClock().Wall());

// All entries of one provider, in the data's order.
std::vector<CatalogEntry> CatalogOf(std::string_view provider, WallTime now = SystemClock().Wall());

// The catalog's provider of an address ("https://api.groq.com/openai/v1" → "groq"); "" when it
// knows none: then prices are unknown, whatever the model is called.
std::string_view CatalogProviderOf(std::string_view base_url);

// Our own compute: a known price of 0 a token, as_of "local".
domain::Price LocalPrice();

// A price list of the configuration, with its version in `as_of`: the day and a fingerprint, as two
// lists may have the same day.
domain::Price ConfiguredPrice(const ModelPrice& price);
// Whose prices these are, for the ledger: CatalogVersion(), or a configured list's `as_of`.
std::string PriceVersion(const domain::Price& price);

// Fills what is still unknown in `info` (price, context, display name) from the catalog.
void FillFromCatalog(std::string_view catalog_provider, domain::ModelInfo& info);

}  // namespace strata::provider

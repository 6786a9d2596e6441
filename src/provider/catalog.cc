#include "provider/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <regex>
#include <unordered_map>

#include "base/encoding.h"

namespace strata::provider {
namespace {

// One node of a match clause; children of kOr and kAnd follow in prefix order.
struct Clause {
  enum Kind : std::uint8_t { kEquals, kStartsWith, kEndsWith, kContains, kRegex, kOr, kAnd } kind;
  int children;
  const char* text;
};

// Prices from `start` (yyyymmdd, UTC day) on; 0: always. -1: not known.
struct DatedPrice {
  int start;
  std::int64_t per_token[4];  // input, output, cache read, cache write
  std::int64_t prompt_tokens_max;
};

struct ModelRow {
  const char* id;
  const char* name;
  std::int64_t context_tokens;
  int clause;  // index of its root
  int price;   // of the first; later ones win when they are in force
  int prices;
};

struct ProviderRow {
  const char* id;
  const char* api_pattern;  // regular expression, anchored at the start of the address
  int model;
  int models;
  int fallback;
  int fallbacks;
};

#include "catalog_data.inc"

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Compiled once a pattern; patterns come from the data file, never from a caller.
const std::regex& Compiled(const char* pattern) {
  static std::mutex mutex;
  static std::unordered_map<const char*, std::regex> cache;
  std::lock_guard lock(mutex);
  auto at = cache.find(pattern);
  if (at == cache.end()) at = cache.emplace(pattern, std::regex(pattern)).first;
  return at->second;
}

bool LeafMatches(const Clause& clause, const std::string& text) {
  if (clause.kind == Clause::kRegex) return std::regex_search(text, Compiled(clause.text));
  std::string wanted = Lower(clause.text);
  switch (clause.kind) {
    case Clause::kEquals:
      return text == wanted;
    case Clause::kStartsWith:
      return text.starts_with(wanted);
    case Clause::kEndsWith:
      return text.ends_with(wanted);
    default:
      return text.find(wanted) != std::string::npos;
  }
}

// Evaluates the clause at `at` and leaves `at` behind its last descendant.
bool Matches(int& at, const std::string& text) {
  const Clause& clause = kClauses[at++];
  if (clause.kind != Clause::kOr && clause.kind != Clause::kAnd) return LeafMatches(clause, text);
  bool any = false;
  bool all = true;
  for (int i = 0; i < clause.children; ++i) {
    bool fits = Matches(at, text);
    any |= fits;
    all &= fits;
  }
  return clause.kind == Clause::kOr ? any : all;
}

const ProviderRow* FindProvider(std::string_view id) {
  if (id == "bedrock") id = "aws";
  auto at = std::ranges::find_if(kProviders, [&](const ProviderRow& row) { return id == row.id; });
  return at == std::end(kProviders) ? nullptr : &*at;
}

const ModelRow* FindOwnModel(const ProviderRow& provider, const std::string& id) {
  for (int i = provider.model; i < provider.model + provider.models; ++i) {
    int clause = kModels[i].clause;
    if (Matches(clause, id)) return &kModels[i];
  }
  return nullptr;
}

struct ModelOfProvider {
  const ProviderRow* provider = nullptr;
  const ModelRow* model = nullptr;
};

// One step of fallback only, as in genai-prices.
ModelOfProvider FindModel(const ProviderRow& provider, const std::string& id) {
  if (const auto* model = FindOwnModel(provider, id)) return {&provider, model};
  for (int i = provider.fallback; i < provider.fallback + provider.fallbacks; ++i) {
    const auto* other = FindProvider(kFallbacks[i]);
    if (other == nullptr) continue;
    if (const auto* model = FindOwnModel(*other, id)) return {other, model};
  }
  return {};
}

// "gpt-5.2-20251211" → "gpt-5.2-2025-12-11"; dates that no calendar has are left alone.
std::string DashedDates(const std::string& id) {
  static const std::regex compact("-(20\\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01])(?=-|:|$)");
  std::string out;
  auto from = id.cbegin();
  for (auto it = std::sregex_iterator(id.begin(), id.end(), compact); it != std::sregex_iterator();
       ++it) {
    const auto& found = *it;
    std::chrono::year_month_day day{std::chrono::year(std::stoi(found[1])),
                                    std::chrono::month(static_cast<unsigned>(std::stoi(found[2]))),
                                    std::chrono::day(static_cast<unsigned>(std::stoi(found[3])))};
    out.append(from, found[0].first);
    out += day.ok() ? "-" + found[1].str() + "-" + found[2].str() + "-" + found[3].str()
                    : found[0].str();
    from = found[0].second;
  }
  out.append(from, id.cend());
  return out;
}

int DayNumber(WallTime now) {
  std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(now)};
  return static_cast<int>(day.year()) * 10000 +
         static_cast<int>(static_cast<unsigned>(day.month())) * 100 +
         static_cast<int>(static_cast<unsigned>(day.day()));
}

// The last price in force wins; when none is, the first.
domain::Price PriceAt(const ModelRow& model, int day) {
  domain::Price out;
  out.as_of = kAsOf;
  if (model.prices == 0) return out;
  const DatedPrice* price = &kPrices[model.price];
  for (int i = model.price; i < model.price + model.prices; ++i) {
    if (kPrices[i].start <= day) price = &kPrices[i];
  }
  auto known = [](std::int64_t value) {
    return value < 0 ? std::nullopt : std::optional<std::int64_t>(value);
  };
  out.input = known(price->per_token[0]);
  out.output = known(price->per_token[1]);
  out.cache_read = known(price->per_token[2]);
  out.cache_write = known(price->per_token[3]);
  out.prompt_tokens_max = price->prompt_tokens_max;
  return out;
}

CatalogEntry EntryOf(const ProviderRow& provider, const ModelRow& model, WallTime now) {
  CatalogEntry out;
  out.provider = provider.id;
  out.id = model.id;
  out.name = model.name;
  out.context_tokens = model.context_tokens;
  out.price = PriceAt(model, DayNumber(now));
  return out;
}

constexpr std::size_t kIdBytesMax = 512;  // longer ids are nobody's; regex matching stays cheap

}  // namespace

std::string_view CatalogVersion() { return kVersion; }

CatalogMatch FindInCatalog(std::string_view provider, std::string_view upstream_id, WallTime now) {
  const auto* row = FindProvider(provider);
  if (row == nullptr || upstream_id.size() > kIdBytesMax) return {};
  std::string id = Lower(upstream_id);
  auto found = FindModel(*row, id);
  if (found.model == nullptr) found = FindModel(*row, DashedDates(id));
  if (found.model == nullptr) return {};
  return {true, EntryOf(*found.provider, *found.model, now)};
}

std::vector<CatalogEntry> CatalogOf(std::string_view provider, WallTime now) {
  std::vector<CatalogEntry> out;
  const auto* row = FindProvider(provider);
  if (row == nullptr) return out;
  for (int i = row->model; i < row->model + row->models; ++i) {
    out.push_back(EntryOf(*row, kModels[i], now));
  }
  return out;
}

std::string_view CatalogProviderOf(std::string_view base_url) {
  std::string url = Lower(base_url.substr(0, kIdBytesMax));
  for (const auto& provider : kProviders) {
    if (std::regex_search(url, Compiled(provider.api_pattern),
                          std::regex_constants::match_continuous)) {
      return provider.id;
    }
  }
  return {};
}

domain::Price LocalPrice() {
  domain::Price price;
  price.input = 0;
  price.output = 0;
  price.cache_read = 0;
  price.cache_write = 0;
  price.as_of = "local";
  return price;
}

namespace {

constexpr std::string_view kConfigured = "configured ";

}  // namespace

domain::Price ConfiguredPrice(const ModelPrice& price) {
  domain::Price out;
  out.input = price.input;
  out.output = price.output;
  out.cache_read = price.cache_read;
  out.cache_write = price.cache_write;
  std::string list;
  for (const auto& each : {price.input, price.output, price.cache_read, price.cache_write}) {
    list += each ? fmt::format("{};", *each) : ";";
  }
  out.as_of = fmt::format("{}{} {}", kConfigured, price.as_of, Sha256Hex(list).substr(0, 8));
  return out;
}

std::string PriceVersion(const domain::Price& price) {
  return price.as_of.starts_with(kConfigured) ? price.as_of : std::string(CatalogVersion());
}

void FillFromCatalog(std::string_view catalog_provider, domain::ModelInfo& info) {
  auto match = FindInCatalog(catalog_provider, info.upstream_id);
  if (!match.found) return;
  if (info.display_name.empty()) info.display_name = match.entry.name;
  if (info.context_tokens == 0) info.context_tokens = match.entry.context_tokens;
  if (!info.price.input && !info.price.output) info.price = match.entry.price;
}

}  // namespace strata::provider

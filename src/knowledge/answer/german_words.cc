#include "knowledge/answer/german_words.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "knowledge/answer/tokens.h"
#include "text/normalize.h"

namespace strata::knowledge {
namespace {

constexpr std::size_t kRootMin = 3;  // bytes

constexpr auto kSeparable = std::to_array<std::string_view>(
    {"ab",   "an",  "auf",    "aus", "bei",    "ein",      "fest",  "fort",
     "frei", "her", "hin",    "los", "mit",    "nach",     "um",    "unter",
     "vor",  "weg", "weiter", "zu",  "zurück", "zusammen", "durch", "über"});
constexpr auto kVerbEndings = std::to_array<std::string_view>(
    {"t", "et", "en", "n", "e", "st", "est", "te", "ete", "ten", "eten", "test", "tet"});
constexpr auto kParticipleEndings = std::to_array<std::string_view>({"t", "et", "en"});
constexpr auto kLinks = std::to_array<std::string_view>({"", "s", "es", "n", "en", "e", "er"});

// One way to read a verb's form.
struct Reading {
  std::string_view prefix;  // separable; "" for none
  std::string_view root;
  bool strong = false;  // a participle in -en, whose vowel the present may change
};

void AddRoots(std::string_view prefix, std::string_view rest, bool participle,
              std::vector<Reading>& readings) {
  const auto endings = participle ? std::span<const std::string_view>(kParticipleEndings)
                                  : std::span<const std::string_view>(kVerbEndings);
  for (const auto ending : endings) {
    if (!rest.ends_with(ending) || rest.size() < ending.size() + kRootMin) continue;
    readings.push_back({.prefix = prefix,
                        .root = rest.substr(0, rest.size() - ending.size()),
                        .strong = participle && ending == "en"});
  }
}

std::vector<Reading> ReadingsOf(std::string_view word) {
  std::vector<Reading> readings;
  const auto add = [&](std::string_view prefix) {
    const auto rest = word.substr(prefix.size());
    AddRoots(prefix, rest, false, readings);
    if (rest.starts_with("ge")) AddRoots(prefix, rest.substr(2), true, readings);
  };
  add({});
  for (const auto prefix : kSeparable) {
    if (word.starts_with(prefix)) add(prefix);
  }
  return readings;
}

bool AreOneVerb(const Reading& a, const Reading& b) {
  if (!a.prefix.empty() && !b.prefix.empty() && a.prefix != b.prefix) return false;
  if (a.root == b.root) return true;
  return (a.strong || b.strong) && text::FoldAccents(a.root) == text::FoldAccents(b.root);
}

// Whether it is the noun or the verb's stem, as a compound begins with them.
bool IsFirstPart(std::string_view part, std::string_view word) {
  for (const std::string_view ending : {"", "e", "en", "n"}) {
    if (!word.ends_with(ending) || word.size() < ending.size() + kRootMin) continue;
    const auto stem = word.substr(0, word.size() - ending.size());
    if (part.starts_with(stem) && IsOneOf(part.substr(stem.size()), kLinks)) return true;
  }
  return false;
}

}  // namespace

bool SameGermanVerb(std::string_view a, std::string_view b) {
  const auto of_a = ReadingsOf(a);
  const auto of_b = ReadingsOf(b);
  return std::ranges::any_of(of_a, [&](const Reading& reading) {
    return std::ranges::any_of(of_b,
                               [&](const Reading& other) { return AreOneVerb(reading, other); });
  });
}

bool IsGermanPassive(std::string_view lower) {
  constexpr auto kForms =
      std::to_array<std::string_view>({"wird", "werden", "wurde", "wurden", "worden"});
  return IsOneOf(lower, kForms);
}

bool IsCompoundOf(std::string_view compound, std::string_view first, std::string_view last) {
  if (first.size() < kRootMin || last.size() < kRootMin) return false;
  const auto at = compound.rfind(last);
  if (at == std::string_view::npos || at < kRootMin) return false;
  return IsOneOf(compound.substr(at + last.size()), kLinks) &&
         IsFirstPart(compound.substr(0, at), first);
}

}  // namespace strata::knowledge

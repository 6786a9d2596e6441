#include "guard/verdicts.h"

#include <algorithm>

namespace strata::guard {
namespace {

struct Entry {
  std::size_t start = 0, end = 0;  // of the text
  std::string_view name;
  bool found = false;
};

// The entry that begins at `at`.
Entry EntryAt(std::string_view verdicts, std::size_t at) {
  const auto end = std::min(verdicts.find(',', at), verdicts.size());
  const auto text = verdicts.substr(at, end - at);
  const auto mark = text.find('=');
  return {.start = at, .end = end, .name = text.substr(0, mark), .found = mark != text.npos};
}

}  // namespace

std::string_view ActionName(Action action) {
  switch (action) {
    case Action::kBlock:
      return "block";
    case Action::kMask:
      return "mask";
    case Action::kNote:
      return "note";
  }
  return "";
}

void AddVerdict(std::string& verdicts, std::string_view policy, Action action) {
  const auto said = "=" + std::string(ActionName(action));
  for (std::size_t at = 0; at < verdicts.size();) {
    const auto entry = EntryAt(verdicts, at);
    if (entry.name == policy) {
      if (!entry.found) verdicts.insert(entry.end, said);
      return;
    }
    at = entry.end + 1;
  }
  if (!verdicts.empty()) verdicts += ',';
  verdicts.append(policy).append(said);
}

bool FoundSomething(std::string_view verdicts, std::string_view policy) {
  for (std::size_t at = 0; at < verdicts.size();) {
    const auto entry = EntryAt(verdicts, at);
    if (entry.found && (policy.empty() || entry.name == policy)) return true;
    at = entry.end + 1;
  }
  return false;
}

}  // namespace strata::guard

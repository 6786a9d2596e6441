#include "knowledge/source/glob.h"

#include <vector>

namespace strata::knowledge {
namespace {

// Matches the set at pattern[at] == '[' against c. Sets `next` behind the set; false also for a set
// that does not end.
bool SetMatches(std::string_view pattern, std::size_t at, char c, std::size_t& next) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    char low = pattern[i];
    char high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = pattern[i + 2];
      i += 2;
    }
    found = found || (low <= c && c <= high);
    ++i;
  }
  if (i >= pattern.size()) return false;
  next = i + 1;
  return found != negated && c != '/';
}

// Dynamic programming over (pattern place, path place): exponential backtracking cannot happen.
bool Matches(std::string_view pattern, std::string_view path) {
  std::vector<std::vector<bool>> reach(pattern.size() + 1, std::vector<bool>(path.size() + 1));
  reach[0][0] = true;
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    const bool star = pattern[p] == '*';
    const bool deep = star && p + 1 < pattern.size() && pattern[p + 1] == '*';
    for (std::size_t t = 0; t <= path.size(); ++t) {
      if (!reach[p][t]) continue;
      if (star) {
        // "**/" also matches no folder at all.
        const std::size_t behind = p + (deep ? 2 : 1);
        reach[behind][t] = true;
        if (deep && behind < pattern.size() && pattern[behind] == '/') {
          if (t == 0 || path[t - 1] == '/') reach[behind + 1][t] = true;
        }
        if (t < path.size() && (deep || path[t] != '/')) reach[p][t + 1] = true;
        continue;
      }
      if (t == path.size()) continue;
      std::size_t next = p + 1;
      if (pattern[p] == '[') {
        if (SetMatches(pattern, p, path[t], next)) reach[next][t + 1] = true;
      } else if (pattern[p] == '?') {
        if (path[t] != '/') reach[p + 1][t + 1] = true;
      } else if (pattern[p] == '\\' && p + 1 < pattern.size()) {
        if (pattern[p + 1] == path[t]) reach[p + 2][t + 1] = true;
      } else if (pattern[p] == path[t]) {
        reach[p + 1][t + 1] = true;
      }
    }
  }
  return reach[pattern.size()][path.size()];
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos) {
    const std::size_t slash = path.rfind('/');
    if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  } else if (pattern.starts_with('/')) {
    pattern.remove_prefix(1);
  }
  return Matches(pattern, path);
}

}  // namespace strata::knowledge

#include "knowledge/base_names.h"
#include "base/format_message.h"

#include <algorithm>

#include "knowledge/retrieval.h"

namespace strata::knowledge {

Result<std::vector<std::string>> SplitBaseNames(std::string_view names, std::string_view field) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= names.size();) {
    const auto end = std::min(names.find(',', begin), names.size());
    auto name = std::string(names.substr(begin, end - begin));
    begin = end + 1;
    if (name.empty()) {
      return Fail(InvalidArgument(std::string(field),
                                  "a name of a knowledge base is empty; expected NAME or "
                                  "NAME,NAME,…"));
    }
    if (std::ranges::find(out, name) != out.end()) continue;
    if (out.size() == kBasesMax) {
      return Fail(InvalidArgument(std::string(field),
                                  FormatMessage("names more than {} knowledge bases", kBasesMax)));
    }
    out.push_back(std::move(name));
  }
  return out;
}

}  // namespace strata::knowledge

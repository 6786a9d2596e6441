#pragma once
// FilterWriter: a language model reads the conditions on documents' metadata out of a question and
// writes them as a filter in Bedrock's grammar ("self-querying").
//
// What it writes is somebody else's text: it is taken only when it is a filter of the grammar over
// the attributes that the caller has declared, each with values of its type. It narrows a search
// and never widens it: the caller's own filter holds beside it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/task.h"
#include "knowledge/answerer.h"
#include "knowledge/filter.h"
#include "knowledge/implicit_filter.h"
#include "provider/registry.h"

namespace strata::knowledge {

// Thread-safe.
class FilterWriter {
 public:
  // `models` outlives it and holds metered models only.
  explicit FilterWriter(const provider::Registry& models) : models_(models) {}

  // Absent: the question states no condition, or the model wrote something else than such a filter;
  // the trace says which. Errors: those of the model, which the caller has named; kInvalidArgument
  // for what is no language model; the caller's time is up.
  Task<Result<std::optional<Filter>>> Write(const std::string& question,
                                            const std::vector<Turn>& history,
                                            const ImplicitFilter& wish, RequestContext& ctx) const;

 private:
  Task<Result<std::string>> Ask(const std::string& question, const std::vector<Turn>& history,
                                const ImplicitFilter& wish, RequestContext& ctx) const;

  const provider::Registry& models_;
};

// The filter in a model's answer, {"filter": …} with whatever it has put round that; absent for
// null. kInvalidArgument says what is wrong with it.
Result<std::optional<Filter>> ReadWrittenFilter(std::string_view answer,
                                                const std::vector<FilterAttribute>& attributes);

// Both hold; either alone where the other is absent.
std::optional<Filter> Both(std::optional<Filter> own, std::optional<Filter> written);

// The JSON schema of what a model is asked for: one level of groups in a group at most, which every
// provider takes, as it refers to nothing that refers back.
std::string WrittenFilterSchema(const std::vector<FilterAttribute>& attributes);

}  // namespace strata::knowledge

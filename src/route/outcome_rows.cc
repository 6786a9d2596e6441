#include "route/outcome_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/gzip.h"
#include "dialect/json_value.h"
#include "route/row_lines.h"
#include "store/file.h"

namespace strata::route {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{2} << 30;
constexpr std::size_t kLineBytesMax = std::size_t{16} << 20;
constexpr std::size_t kModelsMax = 1000;
constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kRowsMax = 10'000'000;
constexpr std::int64_t kTokensMax = 100'000'000;

Result<std::string> Name(const dialect::JsonField& field) {
  STRATA_TRY(auto name, field.NonEmptyString());
  if (name.size() > kNameBytesMax) {
    return Fail(field.Wrong(fmt::format("expected at most {} bytes", kNameBytesMax)));
  }
  return name;
}

Result<ModelOutcome> ParseOutcome(const dialect::JsonField& field, std::string_view model) {
  STRATA_CHECK_OK(field.ExpectObject());
  ModelOutcome outcome;
  outcome.model = model;
  STRATA_TRY(outcome.quality, field.Get("quality").Double(0, 1));
  STRATA_TRY(auto input, field.Get("input_tokens").Integer(0, kTokensMax));
  STRATA_TRY(auto output, field.Get("output_tokens").Integer(0, kTokensMax));
  outcome.input_tokens = static_cast<double>(input);
  outcome.output_tokens = static_cast<double>(output);
  if (auto cost = field.Get("cost"); cost.present()) {
    STRATA_TRY(outcome.cost, cost.Double(0, 1e6));
  }
  if (auto answer = field.Get("answer"); answer.present()) {
    STRATA_TRY(outcome.answer, answer.String());
  }
  return outcome;
}

Result<std::vector<ModelOutcome>> ParseOutcomes(const dialect::JsonField& field) {
  STRATA_CHECK_OK(field.ExpectObject());
  if (field.size() == 0) return Fail(field.Wrong("expected at least one model"));
  if (field.size() > kModelsMax) {
    return Fail(field.Wrong(fmt::format("expected at most {} models", kModelsMax)));
  }
  std::vector<ModelOutcome> out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto name = field.MemberName(i);
    if (name.empty() || name.size() > kNameBytesMax) {
      return Fail(field.Wrong("the name of a model is empty or too long"));
    }
    STRATA_TRY(auto outcome, ParseOutcome(field.Member(i), name));
    out.push_back(std::move(outcome));
  }
  std::ranges::sort(out, {}, &ModelOutcome::model);
  return out;
}

}  // namespace

const ModelOutcome* OutcomeRow::Find(std::string_view model) const {
  auto found = std::ranges::lower_bound(outcomes, model, {}, &ModelOutcome::model);
  return found != outcomes.end() && found->model == model ? &*found : nullptr;
}

Result<OutcomeRow> ParseOutcomeRow(std::string_view line, OutcomesAre outcomes) {
  if (line.size() > kLineBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("the line is longer than {} bytes", kLineBytesMax));
  }
  STRATA_TRY(auto value, dialect::ParseJson(line));
  dialect::JsonField root(value);
  STRATA_CHECK_OK(root.ExpectObject());
  OutcomeRow row;
  STRATA_TRY(row.id, Name(root.Get("id")));
  if (auto source = root.Get("source"); source.present()) {
    STRATA_TRY(row.source, Name(source));
  }
  if (auto domain = root.Get("domain"); domain.present()) {
    STRATA_TRY(row.domain, domain.String());
  }
  if (auto split = root.Get("split"); split.present()) {
    STRATA_TRY(auto name, split.OneOf({"train", "valid", "test"}));
    row.split = name == "train" ? Split::kTrain : name == "valid" ? Split::kValid : Split::kTest;
  }
  STRATA_TRY(row.prompt, root.Get("prompt").NonEmptyString());
  if (outcomes == OutcomesAre::kRead) {
    STRATA_TRY(row.outcomes, ParseOutcomes(root.Get("outcomes")));
  }
  return row;
}

Result<std::vector<OutcomeRow>> ParseOutcomeRows(std::string_view text, std::string_view name,
                                                 OutcomesAre outcomes) {
  std::vector<OutcomeRow> rows;
  auto take = [&](std::string_view line) -> Result<std::string> {
    STRATA_TRY(auto row, ParseOutcomeRow(line, outcomes));
    rows.push_back(std::move(row));
    return rows.back().id;
  };
  STRATA_CHECK_OK(TakeRows(text, name, kRowsMax, take));
  return rows;
}

Result<std::string> InflateIfGzip(std::string bytes, std::size_t bytes_max) {
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  return Gunzip(bytes, bytes_max);
}

Result<std::vector<OutcomeRow>> ReadOutcomeFiles(std::span<const std::string> paths,
                                                 OutcomesAre outcomes) {
  std::vector<OutcomeRow> all;
  std::map<std::string, std::string> file_of;
  for (const auto& path : paths) {
    STRATA_TRY(auto bytes, store::ReadWholeFile(path, kFileBytesMax));
    auto text = InflateIfGzip(std::move(bytes), kFileBytesMax);
    if (!text) return Fail(std::move(text.error()).Because(path));
    STRATA_TRY(auto rows, ParseOutcomeRows(*text, path, outcomes));
    for (auto& row : rows) {
      auto [at, fresh] = file_of.emplace(row.id, path);
      if (!fresh && at->second != path) {
        return Fail(InvalidArgument(
            "id", fmt::format("'{}' stands in {} and in {}", row.id, at->second, path)));
      }
      all.push_back(std::move(row));
    }
  }
  return all;
}

}  // namespace strata::route

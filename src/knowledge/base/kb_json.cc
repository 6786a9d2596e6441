#include "knowledge/base/kb_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/json_text.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

Error Damaged() { return {Code::kCorruption, "a list stored in the knowledge base is damaged"}; }

Result<json::value> Parse(std::string_view text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  if (error) return Fail(Damaged());
  return value;
}

std::optional<double> Number(const json::array& list, std::size_t at) {
  if (at >= list.size() || !list[at].is_number()) return std::nullopt;
  return list[at].to_number<double>();
}

// Every member of a JSON list of lists of numbers.
Result<std::vector<std::vector<double>>> ReadRows(std::string_view text) {
  std::vector<std::vector<double>> rows;
  if (text.empty()) return rows;
  STRATA_TRY(auto value, Parse(text));
  if (!value.is_array()) return Fail(Damaged());
  for (const auto& member : value.get_array()) {
    if (!member.is_array()) return Fail(Damaged());
    std::vector<double> row;
    for (std::size_t i = 0; i < member.get_array().size(); ++i) {
      auto number = Number(member.get_array(), i);
      if (!number) return Fail(Damaged());
      row.push_back(*number);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

domain::Box BoxAt(const std::vector<double>& row, std::size_t at) {
  return {.x1 = static_cast<float>(row[at]),
          .y1 = static_cast<float>(row[at + 1]),
          .x2 = static_cast<float>(row[at + 2]),
          .y2 = static_cast<float>(row[at + 3])};
}

std::string BoxText(const domain::Box& box) {
  return fmt::format(",{},{},{},{}", box.x1, box.y1, box.x2, box.y2);
}

Result<std::vector<std::string>> Strings(const json::value* value) {
  std::vector<std::string> list;
  if (!value) return list;
  if (!value->is_array()) return Fail(Damaged());
  for (const auto& member : value->get_array()) {
    if (!member.is_string()) return Fail(Damaged());
    list.emplace_back(member.get_string());
  }
  return list;
}

}  // namespace

std::string WriteStrings(const std::vector<std::string>& list) {
  if (list.empty()) return {};
  std::string out = "[";
  for (const auto& member : list) {
    if (out.size() > 1) out += ',';
    AppendJsonString(out, member);
  }
  return out + "]";
}

Result<std::vector<std::string>> ReadStrings(std::string_view text) {
  if (text.empty()) return std::vector<std::string>();
  STRATA_TRY(auto value, Parse(text));
  return Strings(&value);
}

std::string WriteAccess(const AccessList& access) {
  if (access.allow.empty() && access.deny.empty()) return {};
  const auto list = [](const std::vector<std::string>& names) {
    return names.empty() ? "[]" : WriteStrings(names);
  };
  return R"({"allow":)" + list(access.allow) + R"(,"deny":)" + list(access.deny) + "}";
}

Result<AccessList> ReadAccess(std::string_view text) {
  AccessList access;
  if (text.empty()) return access;
  STRATA_TRY(auto value, Parse(text));
  if (!value.is_object()) return Fail(Damaged());
  STRATA_TRY(access.allow, Strings(value.get_object().if_contains("allow")));
  STRATA_TRY(access.deny, Strings(value.get_object().if_contains("deny")));
  return access;
}

std::string WritePages(const std::vector<domain::PageRegion>& pages) {
  if (pages.empty()) return {};
  std::string out = "[";
  for (const auto& region : pages) {
    if (out.size() > 1) out += ',';
    out += fmt::format("[{}", region.page);
    for (const auto& box : region.boxes) out += BoxText(box);
    out += ']';
  }
  return out + "]";
}

Result<std::vector<domain::PageRegion>> ReadPages(std::string_view text) {
  STRATA_TRY(auto rows, ReadRows(text));
  std::vector<domain::PageRegion> pages;
  for (const auto& row : rows) {
    if (row.empty() || (row.size() - 1) % 4 != 0) return Fail(Damaged());
    domain::PageRegion region{.page = static_cast<int>(row[0]), .boxes = {}};
    for (std::size_t at = 1; at < row.size(); at += 4) region.boxes.push_back(BoxAt(row, at));
    pages.push_back(std::move(region));
  }
  return pages;
}

std::string WriteLines(const std::vector<domain::DocumentPart::Line>& lines) {
  if (lines.empty()) return {};
  std::string out = "[";
  for (const auto& line : lines) {
    if (out.size() > 1) out += ',';
    out += fmt::format("[{},{},{}", line.start, line.end, line.page) + BoxText(line.box) + "]";
  }
  return out + "]";
}

Result<std::vector<domain::DocumentPart::Line>> ReadLines(std::string_view text) {
  STRATA_TRY(auto rows, ReadRows(text));
  std::vector<domain::DocumentPart::Line> lines;
  for (const auto& row : rows) {
    if (row.size() != 7 || row[0] < 0 || row[1] < row[0]) return Fail(Damaged());
    lines.push_back({.start = static_cast<std::size_t>(row[0]),
                     .end = static_cast<std::size_t>(row[1]),
                     .page = static_cast<int>(row[2]),
                     .box = BoxAt(row, 3)});
  }
  return lines;
}

LabelSet LabelsOf(const std::vector<std::string>& names) {
  LabelSet labels;
  for (const auto& name : names) labels.Add(name);
  return labels;
}

}  // namespace strata::knowledge

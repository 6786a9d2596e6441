#include "knowledge/base/kb_upgrade.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "knowledge/base/kb_file.h"
#include "knowledge/base/kb_json.h"
#include "knowledge/reserved_attributes.h"

namespace strata::knowledge {
namespace {

namespace json = boost::json;

constexpr std::int64_t kBatch = 256;  // rows that are in memory

// What one document's facts become.
struct Heeded {
  bool changed = false;
  std::string refused = {};  // why; "" when it is not
  JsonText metadata;
  AccessList access;
  LabelSet labels;
};

bool IsOneOfTheTwo(std::string_view name) {
  std::string lower(name);
  for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return lower == "strata_principals" || lower == "strata_labels";
}

// Whether one of the two names stands anywhere below. The depth is what the parser let through.
bool HoldsOne(const json::value& value) {
  if (const auto* list = value.if_array()) return std::ranges::any_of(*list, HoldsOne);
  const auto* object = value.if_object();
  return object != nullptr && std::ranges::any_of(*object, [](const auto& member) {
           return IsOneOfTheTwo(member.key()) || HoldsOne(member.value());
         });
}

// Other names that begin with strata_ were somebody's own before they were reserved: they stay.
Heeded Heed(const JsonText& metadata, AccessList access, LabelSet labels) {
  Heeded out{.metadata = metadata, .access = std::move(access), .labels = std::move(labels)};
  json::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  const auto parsed = json::parse(metadata.text, error, {}, options);
  const auto* members = error ? nullptr : parsed.if_object();
  if (members == nullptr) return out;
  json::object said;
  json::object others;
  for (const auto& member : *members) {
    const bool says = IsOneOfTheTwo(member.key()) || HoldsOne(member.value());
    (says ? said : others)[member.key()] = member.value();
  }
  if (said.empty()) return out;
  out.changed = true;
  JsonText text{json::serialize(said)};
  auto reserved = TakeReserved(text);
  if (!reserved.has_value()) {
    out.refused = reserved.error().message();
    return out;
  }
  out.metadata.text = others.empty() ? std::string() : json::serialize(others);
  for (const auto& label : reserved->labels) out.labels.Add(label);
  // Readers from two places: nobody but those whom both name.
  if (out.access.allow.empty()) {
    out.access.allow = std::move(reserved->principals);
  } else if (!reserved->principals.empty()) {
    std::erase_if(out.access.allow, [&](const auto& one) {
      return std::ranges::find(reserved->principals, one) == reserved->principals.end();
    });
    if (out.access.allow.empty()) out.refused = "two lists of readers have nobody in common";
  }
  return out;
}

struct Count {
  std::int64_t heeded = 0;
  std::int64_t refused = 0;
};

struct OldRow {
  std::int64_t row = 0;
  std::string source_id;
  std::string uri;
  Heeded heeded;
};

// Those of a table that name one of the two, after row `after`.
Result<std::vector<OldRow>> RowsOf(store::Database& db, std::string_view table,
                                   std::int64_t after) {
  STRATA_TRY(
      auto rows,
      db.Prepare("SELECT row, source_id, uri, metadata, access, labels FROM " + std::string(table) +
                 " WHERE row > ? AND (metadata LIKE "
                 "'%strata_principals%' OR metadata LIKE '%strata_labels%') ORDER BY row "
                 "LIMIT ?"));
  rows.BindAll(after, kBatch);
  std::vector<OldRow> out;
  for (;;) {
    STRATA_TRY(bool found, rows.Step());
    if (!found) return out;
    STRATA_TRY(auto access, ReadAccess(rows.Text(4)));
    STRATA_TRY(auto labels, ReadStrings(rows.Text(5)));
    out.push_back(
        {.row = rows.Integer(0),
         .source_id = std::string(rows.Text(1)),
         .uri = std::string(rows.Text(2)),
         .heeded = Heed({std::string(rows.Text(3))}, std::move(access), LabelsOf(labels))});
  }
}

Result<> Refuse(store::Database& db, const OldRow& old) {
  STRATA_TRY(auto document, FindDocument(db, old.source_id, old.uri));
  if (!document) return {};
  document->status = DocumentStatus::kFailed;
  document->reason = "its metadata cannot be heeded: " + old.heeded.refused;
  document->access = Nobody();
  document->recipe.clear();  // nothing of it is known to fail again
  document->version.clear();
  return PutDocumentState(db, *document, {});
}

Result<> HeedDocument(store::Database& db, OldRow& old, Count& count) {
  if (!old.heeded.changed) return {};
  if (!old.heeded.refused.empty()) {
    ++count.refused;
    return Refuse(db, old);
  }
  STRATA_TRY(auto document, FindDocument(db, old.source_id, old.uri));
  if (!document) return {};
  ++count.heeded;
  document->metadata = std::move(old.heeded.metadata);
  document->access = std::move(old.heeded.access);
  document->labels = std::move(old.heeded.labels);
  return UpdateDocumentFacts(db, *document, {});
}

Result<> HeedPending(store::Database& db, OldRow& old, Count& count) {
  if (!old.heeded.changed) return {};
  if (!old.heeded.refused.empty()) {
    ++count.refused;
    return Refuse(db, old);  // takes the pending content away
  }
  ++count.heeded;
  return db.Run("UPDATE pending SET metadata = ?, access = ?, labels = ? WHERE row = ?",
                old.heeded.metadata.text, WriteAccess(old.heeded.access),
                WriteStrings(old.heeded.labels.names()), old.row);
}

}  // namespace

Result<> HeedOldReaders(store::Database& db) {
  Count count;
  // An indexed version first: to refuse it takes what is pending in its place away as well, as
  // nobody has said since who may read that.
  for (const auto* table : {"documents", "pending"}) {
    const auto heed = std::string_view(table) == "documents" ? HeedDocument : HeedPending;
    for (std::int64_t after = 0;;) {
      STRATA_TRY(auto rows, RowsOf(db, table, after));
      if (rows.empty()) break;
      after = rows.back().row;
      for (auto& row : rows) STRATA_CHECK_OK(heed(db, row, count));
    }
  }
  if (count.heeded + count.refused > 0) {
    Log(count.refused > 0 ? Level::kWarning : Level::kInfo, "kb.upgrade.readers",
        {{"file", db.path()}, {"heeded", count.heeded}, {"refused", count.refused}});
  }
  return {};
}

}  // namespace strata::knowledge

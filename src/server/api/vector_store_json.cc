#include "server/api/vector_store_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "base/format_message.h"
#include "base/utf8.h"
#include "dialect/json_value.h"
#include "knowledge/parser.h"
#include "net/http.h"
#include "server/api/store_filter.h"

namespace strata::server {
namespace {

namespace json = boost::json;
using dialect::JsonField;
using knowledge::StoreFileStatus;

constexpr std::size_t kPairsMax = 16;
constexpr std::size_t kKeyMax = 64;
constexpr std::size_t kValueMax = 512;
constexpr std::int64_t kChunkTokensMin = 100;
constexpr std::int64_t kChunkTokensMax = 4096;
constexpr std::int64_t kResultsMax = 50;
constexpr double kNumberMax = 1e300;

std::int64_t Seconds(WallTime time) { return ToUnixMicros(time) / 1'000'000; }

json::value ObjectOf(const JsonText& text) {
  json::error_code error;
  auto value = json::parse(text.text, error);
  return !error && value.is_object() ? value : json::value(json::object());
}

Result<> CheckText(const JsonField& field, std::string_view text, std::size_t most) {
  if (CodePointCount(text) <= most) return {};
  return Fail(field.Wrong(FormatMessage("longer than {} characters", most)));
}

enum class Values : std::uint8_t { kStrings, kScalars };

Result<> CheckValue(const JsonField& value, Values values) {
  if (const auto* text = value.present() ? value.value().string() : nullptr) {
    return CheckText(value, *text, kValueMax);
  }
  if (values == Values::kStrings) return Fail(value.Wrong("expected a string"));
  if (value.Bool().has_value() || value.Double(-kNumberMax, kNumberMax).has_value()) return {};
  return Fail(value.Wrong("expected a string, a number or a boolean"));
}

// metadata, attributes: a flat object.
Result<JsonText> ReadPairs(const JsonField& field, Values values) {
  STRATA_CHECK_OK(field.ExpectObject());
  if (field.size() > kPairsMax) {
    return Fail(field.Wrong(FormatMessage("more than {} members", kPairsMax)));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto name = field.MemberName(i);
    STRATA_CHECK_OK(CheckText(field, name, kKeyMax));
    auto value = field.Member(i);
    if (name.starts_with(knowledge::kReservedPrefix)) {
      if (values == Values::kScalars) continue;  // read where they are heeded
      return Fail(value.Wrong("it belongs among the attributes of the store's files"));
    }
    STRATA_CHECK_OK(CheckValue(value, values));
  }
  return field.ObjectText();
}

Result<int> ReadExpiry(const JsonField& field) {
  STRATA_CHECK_OK(field.OnlyMembers({"anchor", "days"}));
  auto anchor = field.Get("anchor");
  auto days = field.Get("days");
  STRATA_CHECK_OK(anchor.OneOf({"last_active_at"}));
  STRATA_TRY(auto number, days.Integer(1, 365));
  return static_cast<int>(number);
}

Result<std::optional<knowledge::StaticChunking>> ReadChunking(const JsonField& field) {
  if (!field.present()) return std::nullopt;
  auto type = field.Get("type");
  STRATA_TRY(auto kind, type.OneOf({"auto", "static"}));
  if (kind == "auto") {
    STRATA_CHECK_OK(field.OnlyMembers({"type"}));
    return std::nullopt;
  }
  STRATA_CHECK_OK(field.OnlyMembers({"type", "static"}));
  auto numbers = field.Get("static");
  STRATA_CHECK_OK(numbers.ExpectObject());
  STRATA_CHECK_OK(numbers.OnlyMembers({"max_chunk_size_tokens", "chunk_overlap_tokens"}));
  auto tokens = numbers.Get("max_chunk_size_tokens");
  auto overlap = numbers.Get("chunk_overlap_tokens");
  knowledge::StaticChunking out;
  STRATA_TRY(out.tokens_max, tokens.Integer(kChunkTokensMin, kChunkTokensMax));
  STRATA_TRY(out.overlap, overlap.Integer(0, kChunkTokensMax));
  if (out.overlap * 2 > out.tokens_max) {
    return Fail(overlap.Wrong("more than half of max_chunk_size_tokens"));
  }
  return std::optional(out);
}

Result<knowledge::FileToAdd> ReadFile(const JsonField& item) {
  STRATA_CHECK_OK(item.OnlyMembers({"file_id", "attributes", "chunking_strategy"}));
  knowledge::FileToAdd out;
  auto id = item.Get("file_id");
  out.field = id.Path();
  STRATA_TRY(out.id, id.NonEmptyString());
  if (auto attributes = item.Get("attributes"); attributes.present()) {
    STRATA_TRY(out.attributes, ReadPairs(attributes, Values::kScalars));
  }
  auto chunking = item.Get("chunking_strategy");
  STRATA_TRY(out.chunking, ReadChunking(chunking));
  return out;
}

// file_ids, all with the same attributes and chunking.
Result<std::vector<knowledge::FileToAdd>> ReadFileIds(const JsonField& ids,
                                                      const knowledge::FileToAdd& common,
                                                      std::size_t most) {
  if (!ids.ExpectArray() || ids.size() > most) {
    return Fail(ids.Wrong(FormatMessage("expected at most {} ids of files", most)));
  }
  std::vector<knowledge::FileToAdd> out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto id = ids.Item(i);
    auto file = common;
    file.field = id.Path();
    STRATA_TRY(file.id, id.NonEmptyString());
    out.push_back(std::move(file));
  }
  return out;
}

Result<std::int64_t> Limit(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < 1 || out > 100) {
    return Fail(InvalidArgument("limit", "expected 1 to 100"));
  }
  return out;
}

std::string_view StatusName(StoreFileStatus status) {
  switch (status) {
    case StoreFileStatus::kCompleted:
      return "completed";
    case StoreFileStatus::kCancelled:
      return "cancelled";
    case StoreFileStatus::kFailed:
      return "failed";
    case StoreFileStatus::kInProgress:
      break;
  }
  return "in_progress";
}

json::object CountsObject(const knowledge::FileCounts& counts) {
  return {{"in_progress", counts.in_progress},
          {"completed", counts.completed},
          {"failed", counts.failed},
          {"cancelled", counts.cancelled},
          {"total", counts.total()}};
}

std::string IdOf(const knowledge::VectorStore& store) {
  return std::string(knowledge::kVectorStorePrefix) + store.base.id;
}

json::object StoreObject(const knowledge::VectorStore& store) {
  json::object out{{"id", IdOf(store)},
                   {"object", "vector_store"},
                   {"created_at", Seconds(store.base.created)},
                   {"name", store.name},
                   {"description", store.base.description},
                   {"usage_bytes", store.bytes},
                   {"file_counts", CountsObject(store.files)}};
  const bool working = store.files.in_progress > 0;
  out["status"] = store.expired ? "expired" : working ? "in_progress" : "completed";
  if (store.expires_days > 0) {
    out["expires_after"] = {{"anchor", "last_active_at"}, {"days", store.expires_days}};
    out["expires_at"] = Seconds(store.last_active + std::chrono::days(store.expires_days));
  } else {
    out["expires_after"] = nullptr;
    out["expires_at"] = nullptr;
  }
  out["last_active_at"] = Seconds(store.last_active);
  out["metadata"] = ObjectOf(store.metadata);
  out["strata"] = {{"knowledge_base", store.base.id}, {"model", "kb/" + store.base.name}};
  return out;
}

json::object StoreFileObject(const knowledge::StoreFile& file, std::string_view store) {
  json::object out{{"id", file.id},
                   {"object", "vector_store.file"},
                   {"usage_bytes", file.bytes},
                   {"created_at", Seconds(file.created)},
                   {"vector_store_id", store},
                   {"status", StatusName(file.status)}};
  out["last_error"] = nullptr;
  if (file.status == StoreFileStatus::kFailed) {
    const bool parsable = knowledge::IsParsable(file.media_type);
    out["last_error"] = {{"code", parsable ? "invalid_file" : "unsupported_file"},
                         {"message", file.error}};
  }
  if (file.chunking) {
    out["chunking_strategy"] = {{"type", "static"},
                                {"static",
                                 {{"max_chunk_size_tokens", file.chunking->tokens_max},
                                  {"chunk_overlap_tokens", file.chunking->overlap}}}};
  } else {
    out["chunking_strategy"] = json::object{{"type", "other"}};
  }
  out["attributes"] = ObjectOf(file.attributes);
  out["strata"] = json::object{{"filename", file.filename}};
  return out;
}

template <class T, class F>
std::string ListOf(const knowledge::ListPage<T>& page, F encode) {
  json::array data;
  for (const auto& item : page.items) data.push_back(encode(item));
  json::object out{{"object", "list"}};
  out["first_id"] = data.empty() ? json::value() : data.front().at("id");
  out["last_id"] = data.empty() ? json::value() : data.back().at("id");
  out["has_more"] = page.more;
  out["data"] = std::move(data);
  return json::serialize(out);
}

std::string Deleted(std::string_view id, std::string_view object) {
  return json::serialize(json::object{{"id", id}, {"object", object}, {"deleted", true}});
}

// A member that is there and null, which asks for its removal.
bool IsNull(const dialect::JsonValue& top, std::string_view key) {
  const auto* member = top.Find(key);
  return member != nullptr && member->is_null();
}

Result<> ReadRanking(const JsonField& ranking, knowledge::StoreSearch& out) {
  STRATA_CHECK_OK(ranking.OnlyMembers({"ranker", "score_threshold"}));
  if (auto ranker = ranking.Get("ranker"); ranker.present()) {
    STRATA_TRY(auto name, ranker.OneOf({"none", "auto", "default-2024-11-15"}));
    // What goes over the blended list once more.
    const bool plain = name == "none";
    out.without.neighbours = out.without.names = out.without.rerank = plain;
  }
  if (auto threshold = ranking.Get("score_threshold"); threshold.present()) {
    STRATA_TRY(out.score_min, threshold.Double(0, 1));
  }
  return {};
}

Result<> CheckQuery(const JsonField& field, const std::string& query) {
  if (query.size() <= knowledge::kQueryBytesMax) return {};
  return Fail(field.Wrong(FormatMessage("longer than {} bytes", knowledge::kQueryBytesMax)));
}

Result<std::vector<std::string>> ReadQueries(const JsonField& field) {
  std::vector<std::string> out;
  if (field.present() && field.value().string() != nullptr) {
    STRATA_TRY(auto query, field.NonEmptyString());
    STRATA_CHECK_OK(CheckQuery(field, query));
    out.push_back(std::move(query));
    return out;
  }
  if (!field.ExpectArray() || field.size() == 0 || field.size() > knowledge::kSearchQueriesMax) {
    return Fail(field.Wrong(
        FormatMessage("expected a string, or 1 to {} of them", knowledge::kSearchQueriesMax)));
  }
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto item = field.Item(i);
    STRATA_TRY(auto query, item.NonEmptyString());
    STRATA_CHECK_OK(CheckQuery(item, query));
    out.push_back(std::move(query));
  }
  return out;
}

}  // namespace

Result<StoreCreate> DecodeStoreCreate(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body.empty() ? "{}" : body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers(
      {"name", "description", "file_ids", "metadata", "expires_after", "chunking_strategy"}));
  StoreCreate out;
  if (auto name = top.Get("name"); name.present()) {
    STRATA_TRY(out.input.name, name.String());
  }
  if (auto description = top.Get("description"); description.present()) {
    STRATA_TRY(out.input.description, description.String());
    STRATA_CHECK_OK(CheckText(description, out.input.description, kValueMax));
  }
  if (auto metadata = top.Get("metadata"); metadata.present()) {
    STRATA_TRY(out.input.metadata, ReadPairs(metadata, Values::kStrings));
  }
  if (auto expiry = top.Get("expires_after"); expiry.present()) {
    STRATA_TRY(out.input.expires_days, ReadExpiry(expiry));
  }
  knowledge::FileToAdd common;
  auto chunking = top.Get("chunking_strategy");
  STRATA_TRY(common.chunking, ReadChunking(chunking));
  if (auto ids = top.Get("file_ids"); ids.present()) {
    STRATA_TRY(out.files, ReadFileIds(ids, common, knowledge::kCreateFilesMax));
  }
  return out;
}

Result<knowledge::StoreChange> DecodeStoreChange(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"name", "metadata", "expires_after"}));
  knowledge::StoreChange out;
  if (auto name = top.Get("name"); name.present()) {
    STRATA_TRY(out.name, name.String());
  }
  if (auto metadata = top.Get("metadata"); metadata.present()) {
    STRATA_TRY(out.metadata, ReadPairs(metadata, Values::kStrings));
  } else if (IsNull(parsed, "metadata")) {
    out.metadata = JsonText{"{}"};
  }
  if (auto expiry = top.Get("expires_after"); expiry.present()) {
    STRATA_TRY(out.expires_days, ReadExpiry(expiry));
  } else if (IsNull(parsed, "expires_after")) {
    out.expires_days = 0;
  }
  return out;
}

Result<knowledge::ListRange> DecodeListRange(std::string_view query) {
  knowledge::ListRange out;
  out.after = net::QueryParameter(query, "after").value_or("");
  out.before = net::QueryParameter(query, "before").value_or("");
  if (!out.after.empty() && !out.before.empty()) {
    return Fail(InvalidArgument("before", "expected one of after and before"));
  }
  if (auto order = net::QueryParameter(query, "order")) {
    if (*order != "asc" && *order != "desc") {
      return Fail(InvalidArgument("order", "expected asc or desc"));
    }
    out.ascending = *order == "asc";
  }
  if (auto limit = net::QueryParameter(query, "limit")) {
    STRATA_TRY(auto number, Limit(*limit));
    out.limit = static_cast<int>(number);
  }
  return out;
}

std::string EncodeStore(const knowledge::VectorStore& store) {
  return json::serialize(StoreObject(store));
}

std::string EncodeStoreList(const knowledge::ListPage<knowledge::VectorStore>& page) {
  return ListOf(page, StoreObject);
}

std::string EncodeStoreDeleted(std::string_view id) { return Deleted(id, "vector_store.deleted"); }

Result<knowledge::FileToAdd> DecodeFileToAdd(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  return ReadFile(top);
}

Result<std::vector<knowledge::FileToAdd>> DecodeBatch(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"file_ids", "files", "attributes", "chunking_strategy"}));
  auto ids = top.Get("file_ids");
  auto files = top.Get("files");
  if (ids.present() == files.present()) {
    return Fail(InvalidArgument("file_ids", "expected one of file_ids and files"));
  }
  std::vector<knowledge::FileToAdd> out;
  if (ids.present()) {
    knowledge::FileToAdd common;
    if (auto attributes = top.Get("attributes"); attributes.present()) {
      STRATA_TRY(common.attributes, ReadPairs(attributes, Values::kScalars));
    }
    auto chunking = top.Get("chunking_strategy");
    STRATA_TRY(common.chunking, ReadChunking(chunking));
    STRATA_TRY(out, ReadFileIds(ids, common, knowledge::kBatchFilesMax));
  } else {
    if (!files.ExpectArray() || files.size() > knowledge::kBatchFilesMax) {
      return Fail(
          files.Wrong(FormatMessage("expected at most {} files", knowledge::kBatchFilesMax)));
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      auto item = files.Item(i);
      STRATA_CHECK_OK(item.ExpectObject());
      STRATA_TRY(auto file, ReadFile(item));
      out.push_back(std::move(file));
    }
  }
  if (out.empty()) return Fail(InvalidArgument("file_ids", "expected at least one file"));
  return out;
}

Result<JsonText> DecodeAttributesChange(std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(top.OnlyMembers({"attributes"}));
  auto attributes = top.Get("attributes");
  if (IsNull(parsed, "attributes")) return JsonText{"{}"};
  return ReadPairs(attributes, Values::kScalars);
}

Result<knowledge::FileListQuery> DecodeFileListQuery(std::string_view query) {
  knowledge::FileListQuery out;
  STRATA_TRY(out.range, DecodeListRange(query));
  const auto filter = net::QueryParameter(query, "filter");
  if (!filter) return out;
  for (const auto status : {StoreFileStatus::kInProgress, StoreFileStatus::kCompleted,
                            StoreFileStatus::kFailed, StoreFileStatus::kCancelled}) {
    if (*filter == StatusName(status)) out.status = status;
  }
  if (!out.status) {
    return Fail(
        InvalidArgument("filter", "expected one of in_progress, completed, failed, cancelled"));
  }
  return out;
}

std::string EncodeStoreFile(const knowledge::StoreFile& file, std::string_view store) {
  return json::serialize(StoreFileObject(file, store));
}

std::string EncodeStoreFileList(const knowledge::ListPage<knowledge::StoreFile>& page,
                                std::string_view store) {
  return ListOf(page, [&](const auto& file) { return StoreFileObject(file, store); });
}

std::string EncodeStoreFileDeleted(std::string_view id) {
  return Deleted(id, "vector_store.file.deleted");
}

std::string EncodeFileTexts(const std::vector<std::string>& texts) {
  json::array data;
  for (const auto& text : texts) data.push_back({{"type", "text"}, {"text", text}});
  return json::serialize(json::object{{"object", "vector_store.file_content.page"},
                                      {"data", std::move(data)},
                                      {"has_more", false},
                                      {"next_page", nullptr}});
}

std::string EncodeBatch(const knowledge::FileBatch& batch, std::string_view store) {
  const auto& files = batch.files;
  std::string_view status = "completed";
  if (files.failed > 0 && files.failed == files.total()) status = "failed";
  if (files.in_progress > 0) status = "in_progress";
  if (batch.cancelled) status = "cancelled";
  return json::serialize(json::object{{"id", batch.id},
                                      {"object", "vector_store.files_batch"},
                                      {"created_at", Seconds(batch.created)},
                                      {"vector_store_id", store},
                                      {"status", status},
                                      {"file_counts", CountsObject(files)}});
}

Result<knowledge::StoreSearch> DecodeStoreSearch(std::string_view store, std::string_view body) {
  STRATA_TRY(auto parsed, dialect::ParseJson(body));
  JsonField top(parsed);
  STRATA_CHECK_OK(top.ExpectObject());
  STRATA_CHECK_OK(
      top.OnlyMembers({"query", "filters", "max_num_results", "ranking_options", "rewrite_query"}));
  knowledge::StoreSearch out;
  out.stores.emplace_back(store);
  auto query = top.Get("query");
  STRATA_TRY(out.queries, ReadQueries(query));
  if (auto filters = top.Get("filters"); filters.present()) {
    STRATA_TRY(out.filter, ReadStoreFilter(filters));
  }
  if (auto results = top.Get("max_num_results"); results.present()) {
    STRATA_TRY(auto count, results.Integer(1, kResultsMax));
    out.results = static_cast<int>(count);
  }
  if (auto ranking = top.Get("ranking_options"); ranking.present()) {
    STRATA_CHECK_OK(ReadRanking(ranking, out));
  }
  if (auto rewrite = top.Get("rewrite_query"); rewrite.present()) {
    STRATA_TRY(out.rewrite, rewrite.Bool());
  }
  return out;
}

std::string EncodeSearch(const std::vector<knowledge::RetrievedChunk>& found,
                         const std::vector<std::string>& queries) {
  json::array data;
  for (const auto& chunk : found) {
    data.push_back(
        {{"file_id", knowledge::StoreFileId(chunk.location, chunk.uri, chunk.document_id)},
         {"filename", chunk.title},
         {"score", chunk.score},
         {"attributes", ObjectOf(chunk.metadata)},
         {"content", json::array{json::object{{"type", "text"}, {"text", chunk.text}}}}});
  }
  return json::serialize(json::object{{"object", "vector_store.search_results.page"},
                                      {"search_query", json::value_from(queries)},
                                      {"data", std::move(data)},
                                      {"has_more", false},
                                      {"next_page", nullptr}});
}

Result<knowledge::StoreSearch> SearchOfTool(const dialect::responses::FileSearchTool& tool) {
  knowledge::StoreSearch out;
  out.stores = tool.vector_store_ids;
  out.results = static_cast<int>(tool.results);
  out.score_min = tool.score_threshold;
  if (!tool.mode.empty()) {
    STRATA_TRY(out.mode, knowledge::ParseSearchMode(tool.mode));
  }
  if (tool.filters.text.empty()) return out;
  STRATA_TRY(auto parsed, dialect::ParseJson(tool.filters.text));
  auto filter = ReadStoreFilter(JsonField(parsed));
  if (!filter.has_value()) {
    const auto& below = filter.error().field();
    auto field = fmt::format("{}.filters{}{}", tool.field, below.empty() ? "" : ".", below);
    return Fail(std::move(filter.error()).AtField(std::move(field)));
  }
  out.filter = std::move(*filter);
  return out;
}

dialect::responses::FileSearchCall CallOf(const std::vector<knowledge::RetrievedChunk>& found,
                                          std::string query) {
  dialect::responses::FileSearchCall out;
  out.queries.push_back(std::move(query));
  for (const auto& chunk : found) {
    out.results.push_back(
        {.file_id = knowledge::StoreFileId(chunk.location, chunk.uri, chunk.document_id),
         .filename = chunk.title,
         .score = chunk.score,
         .text = chunk.text,
         .attributes = chunk.metadata});
  }
  return out;
}

}  // namespace strata::server

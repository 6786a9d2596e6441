// OpenAI's JSON of files and vector stores: what is taken, what is refused and by which name.

#include "server/api/vector_store_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialect/json_value.h"
#include "server/api/store_filter.h"

namespace strata::server {
namespace {

using testing::HasSubstr;

template <class T>
std::string FieldOf(const Result<T>& result) {
  return result.has_value() ? "accepted" : result.error().field();
}

constexpr std::string_view kType = "multipart/form-data; boundary=b";

std::string Part(std::string_view head, std::string_view body) {
  return "--b\r\nContent-Disposition: form-data; " + std::string(head) + "\r\n\r\n" +
         std::string(body) + "\r\n";
}

TEST(DecodeUpload, TakesAFileAndItsPurpose) {
  const auto body = Part("name=\"purpose\"", "user_data") +
                    Part("name=\"expires_after[anchor]\"", "created_at") +
                    Part("name=\"expires_after[seconds]\"", "3600") +
                    Part("name=\"file\"; filename=\"C:\\docs\\a b.txt\"", "hello") + "--b--";
  auto file = DecodeUpload(kType, body);
  ASSERT_TRUE(file.has_value()) << file.error().message();
  EXPECT_EQ(file->filename, "a b.txt");
  EXPECT_EQ(file->purpose, "user_data");
  EXPECT_EQ(file->content, "hello");
  EXPECT_EQ(file->lifetime, std::chrono::hours(1));
}

TEST(DecodeUpload, NamesThePartThatIsWrong) {
  const auto file = Part("name=file; filename=a.txt", "hello");
  const auto purpose = Part("name=purpose", "assistants");
  auto field = [](const std::string& parts) {
    return FieldOf(DecodeUpload(kType, parts + "--b--"));
  };
  EXPECT_EQ(field(file), "purpose");
  EXPECT_EQ(field(purpose), "file");
  EXPECT_EQ(field(file + Part("name=purpose", "fine-tune")), "purpose");
  EXPECT_EQ(field(purpose + Part("name=file; filename=a.txt", "")), "file");
  EXPECT_EQ(field(purpose + Part("name=file", "x")), "file");
  EXPECT_EQ(field(purpose + Part("name=file; filename=\"dir/\"", "x")), "file");
  EXPECT_EQ(field(purpose + file + file), "file");
  EXPECT_EQ(field(purpose + file + Part("name=extra", "x")), "extra");
  EXPECT_EQ(field(purpose + file + Part("name=\"expires_after[seconds]\"", "1")),
            "expires_after.anchor");
  EXPECT_EQ(field(purpose + file + Part("name=\"expires_after[anchor]\"", "created_at") +
                  Part("name=\"expires_after[seconds]\"", "1")),
            "expires_after.seconds");
}

TEST(DecodeStoreCreate, TakesEverything) {
  auto create = DecodeStoreCreate(R"({"name": "n", "description": "d", "file_ids": ["file-1"],
      "metadata": {"team": "blue"}, "expires_after": {"anchor": "last_active_at", "days": 7},
      "chunking_strategy": {"type": "static", "static":
        {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}})");
  ASSERT_TRUE(create.has_value()) << create.error().message();
  EXPECT_EQ(create->input.name, "n");
  EXPECT_EQ(create->input.expires_days, 7);
  EXPECT_EQ(create->input.metadata.text, R"({"team":"blue"})");
  ASSERT_EQ(create->files.size(), 1u);
  EXPECT_EQ(create->files[0].field, "file_ids[0]");
  EXPECT_EQ(create->files[0].chunking->overlap, 400);
  EXPECT_TRUE(DecodeStoreCreate("").has_value());
}

TEST(DecodeStoreCreate, NamesTheMemberThatIsWrong) {
  auto field = [](std::string_view body) { return FieldOf(DecodeStoreCreate(body)); };
  EXPECT_EQ(field(R"({"name": 1})"), "name");
  EXPECT_EQ(field(R"({"colour": "red"})"), "colour");
  EXPECT_EQ(field(R"({"file_ids": "file-1"})"), "file_ids");
  EXPECT_EQ(field(R"({"file_ids": [""]})"), "file_ids[0]");
  EXPECT_EQ(field(R"({"metadata": {"a": 1}})"), "metadata.a");
  EXPECT_EQ(field(R"({"metadata": {"a": ")" + std::string(513, 'x') + R"("}})"), "metadata.a");
  EXPECT_EQ(field(R"({"metadata": {")" + std::string(65, 'x') + R"(": "a"}})"), "metadata");
  EXPECT_EQ(field(R"({"expires_after": {"anchor": "now", "days": 1}})"), "expires_after.anchor");
  EXPECT_EQ(field(R"({"expires_after": {"anchor": "last_active_at", "days": 0}})"),
            "expires_after.days");
  EXPECT_EQ(field(R"({"chunking_strategy": {"type": "other"}})"), "chunking_strategy.type");
  EXPECT_EQ(field(R"({"chunking_strategy": {"type": "static", "static":
                      {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0}}})"),
            "chunking_strategy.static.max_chunk_size_tokens");
  EXPECT_EQ(field(R"({"chunking_strategy": {"type": "static", "static":
                      {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}})"),
            "chunking_strategy.static.chunk_overlap_tokens");
}

TEST(DecodeStoreChange, NullTakesAwayAndAbsentKeeps) {
  auto change = DecodeStoreChange(R"({"expires_after": null, "metadata": null})");
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->expires_days, 0);
  EXPECT_EQ(change->metadata->text, "{}");
  EXPECT_FALSE(change->name.has_value());
  change = DecodeStoreChange(R"({"name": "new"})");
  EXPECT_FALSE(change->expires_days.has_value());
  EXPECT_FALSE(change->metadata.has_value());
}

TEST(DecodeBatch, TakesIdsOrFiles) {
  auto ids =
      DecodeBatch(R"({"file_ids": ["file-1", "file-2"], "attributes": {"n": 1, "b": true}})");
  ASSERT_TRUE(ids.has_value()) << ids.error().message();
  EXPECT_EQ(ids->at(1).attributes.text, R"({"n":1,"b":true})");
  auto files = DecodeBatch(R"({"files": [{"file_id": "file-1", "attributes": {"n": 2}}]})");
  ASSERT_TRUE(files.has_value()) << files.error().message();
  EXPECT_EQ(files->at(0).attributes.text, R"({"n":2})");
  EXPECT_EQ(FieldOf(DecodeBatch("{}")), "file_ids");
  EXPECT_EQ(FieldOf(DecodeBatch(R"({"file_ids": [], "files": []})")), "file_ids");
  EXPECT_EQ(FieldOf(DecodeBatch(R"({"file_ids": []})")), "file_ids");
  EXPECT_EQ(FieldOf(DecodeBatch(R"({"files": [{"file_id": "f", "attributes": {"n": []}}]})")),
            "files[0].attributes.n");
}

TEST(DecodeListRange, RefusesWhatIsOutOfRange) {
  EXPECT_EQ(DecodeListRange("limit=100&order=asc&after=vs_1")->limit, 100);
  EXPECT_EQ(FieldOf(DecodeListRange("limit=0")), "limit");
  EXPECT_EQ(FieldOf(DecodeListRange("limit=101")), "limit");
  EXPECT_EQ(FieldOf(DecodeListRange("order=up")), "order");
  EXPECT_EQ(FieldOf(DecodeListRange("after=a&before=b")), "before");
  EXPECT_EQ(FieldOf(DecodeFileListQuery("filter=done")), "filter");
  EXPECT_EQ(DecodeFileListQuery("filter=cancelled")->status,
            knowledge::StoreFileStatus::kCancelled);
  EXPECT_EQ(DecodeFileQuery("limit=10000")->limit, 10'000);
  EXPECT_EQ(FieldOf(DecodeFileQuery("limit=10001")), "limit");
}

TEST(DecodeStoreSearch, TakesOneQueryOrSeveral) {
  auto one = DecodeStoreSearch("vs_1", R"({"query": "tide", "max_num_results": 50,
      "ranking_options": {"ranker": "none", "score_threshold": 0.5}, "rewrite_query": true})");
  ASSERT_TRUE(one.has_value()) << one.error().message();
  EXPECT_EQ(one->results, 50);
  EXPECT_EQ(one->score_min, 0.5);
  EXPECT_TRUE(one->without.names);
  EXPECT_TRUE(one->rewrite);
  auto several = DecodeStoreSearch("vs_1", R"({"query": ["a", "b"]})");
  EXPECT_EQ(several->queries.size(), 2u);
  EXPECT_EQ(several->results, 10);
  EXPECT_FALSE(several->rewrite);
  auto field = [](std::string_view body) { return FieldOf(DecodeStoreSearch("vs_1", body)); };
  EXPECT_EQ(field("{}"), "query");
  EXPECT_EQ(field(R"({"query": ""})"), "query");
  EXPECT_EQ(field(R"({"query": ["a", ""]})"), "query[1]");
  EXPECT_EQ(field(R"({"query": "a", "max_num_results": 51})"), "max_num_results");
  EXPECT_EQ(field(R"({"query": "a", "rewrite_query": 1})"), "rewrite_query");
  EXPECT_EQ(field(R"({"query": "a", "ranking_options": {"score_threshold": 2}})"),
            "ranking_options.score_threshold");
  EXPECT_EQ(field(R"({"query": "a", "filters": {"type": "like", "key": "k", "value": 1}})"),
            "filters.type");
}

bool Fits(std::string_view filter, std::string_view attributes) {
  auto parsed = dialect::ParseJson(filter);
  auto read = ReadStoreFilter(dialect::JsonField(*parsed));
  EXPECT_TRUE(read.has_value()) << read.error().message();
  return read.has_value() &&
         knowledge::Matches(*read, *knowledge::ParseMetadata({std::string(attributes)}));
}

TEST(ReadStoreFilter, ComparesAsItsWordsSay) {
  constexpr std::string_view kFile = R"({"year": 2024, "region": "eu", "draft": false})";
  EXPECT_TRUE(Fits(R"({"type": "eq", "key": "region", "value": "eu"})", kFile));
  EXPECT_FALSE(Fits(R"({"type": "ne", "key": "region", "value": "eu"})", kFile));
  EXPECT_TRUE(Fits(R"({"type": "eq", "key": "draft", "value": false})", kFile));
  EXPECT_TRUE(Fits(R"({"type": "gte", "key": "year", "value": 2024})", kFile));
  EXPECT_FALSE(Fits(R"({"type": "gt", "key": "year", "value": 2024})", kFile));
  EXPECT_TRUE(Fits(R"({"type": "lt", "key": "year", "value": 2024.5})", kFile));
  EXPECT_TRUE(Fits(R"({"type": "lte", "key": "year", "value": 2024})", kFile));
  EXPECT_TRUE(Fits(R"({"type": "in", "key": "region", "value": ["us", "eu"]})", kFile));
  EXPECT_FALSE(Fits(R"({"type": "nin", "key": "region", "value": ["us", "eu"]})", kFile));
  EXPECT_TRUE(Fits(R"({"type": "or", "filters": [{"type": "eq", "key": "year", "value": 1},
      {"type": "and", "filters": [{"type": "eq", "key": "region", "value": "eu"}]}]})",
                   kFile));
}

TEST(ReadStoreFilter, NamesTheMemberAndBoundsTheDepth) {
  auto field = [](std::string_view filter) {
    auto parsed = dialect::ParseJson(filter);
    return FieldOf(ReadStoreFilter(dialect::JsonField(*parsed)));
  };
  EXPECT_EQ(field(R"({"type": "eq", "key": "", "value": 1})"), "key");
  EXPECT_EQ(field(R"({"type": "in", "key": "k", "value": 1})"), "value");
  EXPECT_EQ(field(R"({"type": "and", "filters": []})"), "filters");
  EXPECT_EQ(field(R"({"type": "and", "filters": [{"type": "eq", "key": "k", "value": {}}]})"),
            "filters[0].value");
  std::string deep = R"({"type": "eq", "key": "k", "value": 1})";
  for (int i = 0; i < knowledge::kFilterDepthMax; ++i) {
    deep = R"({"type": "and", "filters": [)" + deep + "]}";
  }
  auto parsed = dialect::ParseJson(deep);
  EXPECT_EQ(ReadStoreFilter(dialect::JsonField(*parsed)).error().code(), Code::kTooLarge);
}

TEST(SearchOfTool, FaultsOfItsFilterNameTheRequestsMember) {
  dialect::responses::FileSearchTool tool;
  tool.field = "tools[1]";
  tool.vector_store_ids = {"vs_1"};
  tool.filters.text = R"({"type": "eq", "key": "k"})";
  EXPECT_EQ(FieldOf(SearchOfTool(tool)), "tools[1].filters.value");
  tool.filters.text = R"({"type": "eq", "key": "k", "value": 1})";
  tool.mode = "dense";
  EXPECT_EQ(SearchOfTool(tool)->mode, knowledge::SearchMode::kDense);
}

TEST(EncodeStore, SaysWhichKnowledgeBaseItIs) {
  knowledge::VectorStore store;
  store.base.id = "ABCDEFGHIJ";
  store.base.name = "harbour";
  store.name = "Harbour";
  store.files.in_progress = 1;
  const auto body = EncodeStore(store);
  EXPECT_THAT(body, HasSubstr(R"("id":"vs_ABCDEFGHIJ")"));
  EXPECT_THAT(body, HasSubstr(R"("model":"kb/harbour")"));
  EXPECT_THAT(body, HasSubstr(R"("status":"in_progress")"));
}

TEST(EncodeStoreFile, SaysWhyAFileFailed) {
  knowledge::StoreFile file;
  file.id = "file-1";
  file.status = knowledge::StoreFileStatus::kFailed;
  file.error = "no text";
  file.media_type = "text/plain";
  EXPECT_THAT(EncodeStoreFile(file, "vs_1"),
              HasSubstr(R"("last_error":{"code":"invalid_file","message":"no text"})"));
  file.media_type = "image/png";
  EXPECT_THAT(EncodeStoreFile(file, "vs_1"), HasSubstr("unsupported_file"));
}

}  // namespace
}  // namespace strata::server

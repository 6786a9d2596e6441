#include "knowledge/document_text.h"

#include <gtest/gtest.h>

#include "base/run_task.h"
#include "knowledge/base/indexer.h"
#include "knowledge/parser.h"
#include "tests/fakes/fake_chat_model.h"

namespace strata::knowledge {
namespace {

// Takes everything as text but "scan", a picture of one page.
class ScanOrText final : public Parser {
 public:
  Task<Result<domain::ParsedDocument>> Parse(ParseInput input, RequestContext& /*ctx*/) override {
    media_type = input.media_type;
    if (input.bytes != "scan") co_return DocumentOf(input.bytes, {});
    domain::ParsedDocument scan;
    scan.page_count = 1;
    scan.metadata.text = R"({"ScannedPages":"1"})";
    co_return scan;
  }
  std::string Version() const override { return "1"; }

  std::string media_type;
};

class DocumentText : public testing::Test {
 protected:
  Result<> Ask(domain::ContentBlock block) {
    domain::ChatRequest request;
    const domain::TextBlock question{.text = "What?", .citations = {}};
    request.messages.push_back({.role = domain::Role::kUser, .content = {question}});
    request.messages.back().content.push_back(std::move(block));
    RequestContext ctx;
    auto stream = RunTask(model_->Start(std::move(request), ctx));
    if (!stream.has_value()) return std::unexpected(std::move(stream.error()));
    return {};
  }

  ScanOrText parser_;
  std::shared_ptr<fakes::FakeChatModel> inner_ = std::make_shared<fakes::FakeChatModel>("a");
  std::shared_ptr<provider::ChatModel> model_ = WithDocumentText(inner_, parser_);
};

domain::DocumentBlock Document(std::string bytes) {
  domain::DocumentBlock document;
  document.format = "pdf";
  document.name = "lease";
  document.bytes = std::move(bytes);
  return document;
}

TEST_F(DocumentText, ADocumentOfBytesReachesTheModelAsItsText) {
  ASSERT_TRUE(Ask(Document("The rent is due in May.")).has_value());
  domain::ToolResultBlock result;
  result.content.emplace_back(Document("The rent was paid."));
  ASSERT_TRUE(Ask(result).has_value());
  EXPECT_EQ(parser_.media_type, "application/pdf");
  const auto requests = inner_->requests();
  ASSERT_EQ(requests.size(), 2U);
  const auto& read = std::get<domain::DocumentBlock>(requests[0].messages[0].content[1]);
  EXPECT_EQ(read.text, "The rent is due in May.\n");
  EXPECT_EQ(read.bytes, "");
  EXPECT_EQ(read.name, "lease");
  const auto& tool = std::get<domain::ToolResultBlock>(requests[1].messages[0].content[1]);
  EXPECT_EQ(std::get<domain::DocumentBlock>(tool.content[0]).text, "The rent was paid.\n");
}

TEST_F(DocumentText, ADocumentThatIsTextAlreadyStaysAsItIs) {
  auto document = Document({});
  document.text = "The rent is due in May.";
  ASSERT_TRUE(Ask(document).has_value());
  EXPECT_EQ(std::get<domain::DocumentBlock>(inner_->requests()[0].messages[0].content[1]),
            document);
}

TEST_F(DocumentText, OneWithoutTextIsAnErrorThatNamesItAndItsBlock) {
  auto refused = Ask(Document("scan"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(refused.error().field(), "messages[0].content[1]");
  EXPECT_NE(refused.error().message().find("document lease: holds no text; pages without text: 1"),
            std::string::npos)
      << refused.error().message();
  auto linked = Document({});
  linked.url = "https://example.org/lease.pdf";
  EXPECT_NE(Ask(linked).error().message().find("not by address"), std::string::npos);
  EXPECT_EQ(inner_->calls(), 0);
}

}  // namespace
}  // namespace strata::knowledge

#include "knowledge/document_text.h"

#include <utility>

#include "knowledge/answer/attached.h"
#include "knowledge/document_format.h"

namespace strata::knowledge {
namespace {

using domain::DocumentBlock;

class DocumentTextModel final : public provider::ChatModel {
 public:
  DocumentTextModel(std::shared_ptr<provider::ChatModel> model, Parser& parser)
      : model_(std::move(model)), parser_(parser) {}

  Task<Result<std::unique_ptr<provider::ChatStream>>> Start(domain::ChatRequest&& request,
                                                            RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(domain::DecodeWhole(request));
    STRATA_CO_CHECK_OK(co_await ReadAll(request, ctx));
    co_return co_await model_->Start(std::move(request), ctx);
  }

  Task<Result<std::int64_t>> CountTokens(domain::ChatRequest request,
                                         RequestContext& ctx) override {
    STRATA_CO_CHECK_OK(co_await ReadAll(request, ctx));
    co_return co_await model_->CountTokens(std::move(request), ctx);
  }

  const domain::ModelInfo& Info() const override { return model_->Info(); }

 private:
  Task<Result<>> ReadAll(domain::ChatRequest& request, RequestContext& ctx) const {
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
      auto& content = request.messages[i].content;
      for (std::size_t j = 0; j < content.size(); ++j) {
        auto read = co_await ReadBlock(content[j], ctx);
        if (read.has_value()) continue;
        auto place = PlaceOf(i, j);
        auto error = std::move(read.error()).Because(place);
        co_return Fail(std::move(error).AtField(std::move(place)));
      }
    }
    co_return Result<>();
  }

  Task<Result<>> ReadBlock(domain::ContentBlock& block, RequestContext& ctx) const {
    if (auto* document = std::get_if<DocumentBlock>(&block)) {
      co_return co_await Read(*document, ctx);
    }
    auto* result = std::get_if<domain::ToolResultBlock>(&block);
    if (result == nullptr) co_return Result<>();
    for (auto& content : result->content) {
      auto* document = std::get_if<DocumentBlock>(&content);
      if (document != nullptr) STRATA_CO_CHECK_OK(co_await Read(*document, ctx));
    }
    co_return Result<>();
  }

  Task<Result<>> Read(DocumentBlock& block, RequestContext& ctx) const {
    if (!block.text.empty() || !block.chunks.empty()) co_return Result<>();
    if (block.bytes.empty()) {
      const auto* why = block.url.empty() ? "holds nothing"
                                          : "this model reads documents given as text or bytes, "
                                            "not by address";
      co_return Fail(Unreadable(block, why));
    }
    STRATA_CO_TRY(auto parsed, co_await ReadAttached(parser_, block, ctx));
    block.text = DocumentToMarkdown(parsed);
    block.bytes.clear();
    co_return Result<>();
  }

  std::shared_ptr<provider::ChatModel> model_;
  Parser& parser_;
};

}  // namespace

std::shared_ptr<provider::ChatModel> WithDocumentText(std::shared_ptr<provider::ChatModel> model,
                                                      Parser& parser) {
  return std::make_shared<DocumentTextModel>(std::move(model), parser);
}

}  // namespace strata::knowledge

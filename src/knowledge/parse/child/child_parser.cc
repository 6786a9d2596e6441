// Parser and PageRenderer over child processes.

#include <fmt/format.h>

#include <utility>

#include "knowledge/page_render.h"
#include "knowledge/parse/child/run_worker.h"
#include "knowledge/parser.h"

namespace strata::knowledge {
namespace {

// Raised with every change that lets a parser read what it refused before, new formats too.
constexpr int kParserVersion = 1;

Result<> CheckSize(std::size_t bytes, const ParseLimits& limits) {
  if (bytes <= limits.input_bytes_max) return {};
  return Fail(Code::kTooLarge, fmt::format("{} bytes, more than {} (kb.parse.input_bytes_max)",
                                           bytes, limits.input_bytes_max));
}

class ChildParser final : public Parser {
 public:
  ChildParser(Pool& pool, ChildParserOptions options) : pool_(pool), options_(std::move(options)) {}

  Task<Result<domain::ParsedDocument>> Parse(ParseInput input, RequestContext& ctx) override {
    if (auto checked = Check(input); !checked) {
      co_return std::unexpected(child::ForDocument(input.name, std::move(checked.error())));
    }
    STRATA_CO_CHECK_OK(ctx.CheckAlive());
    child::WorkerCall call{input.name, options_, ctx.TimeLeft(), ctx.cancel};
    auto work = [call = std::move(call), input = std::move(input)]() mutable {
      return ParseNow(call, std::move(input));
    };
    co_return co_await RunBlocking(pool_, std::move(work), ctx.urgency);
  }

  std::string Version() const override {
    const auto& l = options_.limits;
    return fmt::format("{}/{}-{}-{}-{}-{}-{}", kParserVersion, l.input_bytes_max, l.text_bytes_max,
                       l.parts_max, l.pages_max, l.nesting_max, l.memory_bytes_max);
  }

 private:
  // What can be refused without a child.
  Result<> Check(ParseInput& input) const {
    STRATA_CHECK_OK(CheckSize(input.bytes.size(), options_.limits));
    if (input.media_type.empty() || input.media_type == "application/octet-stream") {
      input.media_type = DetectMediaType(input.name, input.bytes);
    }
    if (IsParsable(input.media_type)) return {};
    return Fail(Code::kUnsupported, fmt::format("format {} cannot be parsed; supported: {}",
                                                input.media_type, SupportedFormats()));
  }

  static Result<domain::ParsedDocument> ParseNow(const child::WorkerCall& call, ParseInput input) {
    child::ParseRequest request;
    request.name = std::move(input.name);
    request.media_type = std::move(input.media_type);
    request.limits = call.options.limits;
    request.bytes = std::move(input.bytes);
    STRATA_TRY(const std::string answer,
               child::RunWorker(call, child::EncodeRequest(std::move(request))));
    auto document = child::DecodeDocument(answer, call.options.limits);
    if (!document) {
      return std::unexpected(child::ForDocument(call.name, std::move(document.error())));
    }
    return document;
  }

  Pool& pool_;
  const ChildParserOptions options_;
};

Result<RenderedPage> RenderNow(const child::WorkerCall& call, RenderInput input) {
  child::RenderRequest request;
  request.limits = call.options.limits;
  request.input = std::move(input);
  STRATA_TRY(const std::string answer,
             child::RunWorker(call, child::EncodeRequest(std::move(request))));
  auto page = child::DecodePage(answer);
  if (!page) return std::unexpected(child::ForDocument(call.name, std::move(page.error())));
  return page;
}

}  // namespace

std::unique_ptr<Parser> MakeChildParser(Pool& pool, ChildParserOptions options) {
  return std::make_unique<ChildParser>(pool, std::move(options));
}

PageRenderer::PageRenderer(Pool& pool, ChildParserOptions options)
    : pool_(pool), options_(std::move(options)) {}

Task<Result<RenderedPage>> PageRenderer::Render(RenderInput input, RequestContext& ctx) {
  auto checked = child::CheckRender(input);
  if (checked) checked = CheckSize(input.bytes.size(), options_.limits);
  if (!checked) {
    co_return std::unexpected(child::ForDocument(input.name, std::move(checked.error())));
  }
  STRATA_CO_CHECK_OK(ctx.CheckAlive());
  child::WorkerCall call{input.name, options_, ctx.TimeLeft(), ctx.cancel};
  auto work = [call = std::move(call), input = std::move(input)]() mutable {
    return RenderNow(call, std::move(input));
  };
  co_return co_await RunBlocking(pool_, std::move(work));
}

}  // namespace strata::knowledge

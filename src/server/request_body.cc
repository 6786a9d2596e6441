#include "server/request_body.h"

#include <algorithm>

#include "base/gzip.h"
#include "base/json_text.h"
#include "dialect/json_scan.h"
#include "dialect/json_value.h"

namespace strata::server {
namespace {

constexpr std::string_view kHeader = "content-encoding";

// About a millisecond of unpacking; more of it would hold up the other requests of an io thread.
constexpr std::size_t kInlineBytesMax = std::size_t{256} << 10;

bool IsGzip(std::string_view coding) {
  return net::SameHeader(coding, "gzip") || net::SameHeader(coding, "x-gzip");
}

}  // namespace

bool TakesBodyCoding(std::string_view coding) {
  return net::SameHeader(coding, "identity") || IsGzip(coding);
}

Task<Result<>> UnpackBody(net::HttpRequest& request, std::size_t bytes_max, Pool& pool) {
  if (!IsGzip(request.headers.Get(kHeader)) || request.body.empty()) co_return Result<>{};
  auto plain = Gunzip(request.body, std::min(bytes_max, kInlineBytesMax));
  if (!plain && plain.error().code() == Code::kTooLarge && bytes_max > kInlineBytesMax) {
    auto work = [&]() { return Gunzip(request.body, bytes_max); };
    plain = co_await RunBlocking(pool, std::move(work));
  }
  if (!plain && plain.error().code() == Code::kTooLarge) {
    co_return Fail(Code::kTooLarge,
                   "the request body, unpacked, is larger than net.body_bytes_max");
  }
  if (!plain && plain.error().code() == Code::kCorruption) {
    co_return Fail(Code::kInvalidArgument,
                   "the request body is not the gzip that its Content-Encoding promises: broken or "
                   "cut off");
  }
  if (!plain) co_return std::unexpected(std::move(plain.error()));
  request.body = std::move(*plain);
  request.headers.Remove(kHeader);
  co_return Result<>{};
}

std::string WithModel(std::string body, std::string_view model) {
  const auto value = JsonString(model);
  if (const auto scanned = dialect::ScanObject(body)) {
    const auto& members = scanned->members();
    const auto named = std::ranges::find(members, "model", &dialect::ScannedMember::key);
    if (named != members.end()) {
      const auto at = named->value;
      return body.replace(at.start, at.end - at.start, value);
    }
    const bool empty = members.empty();
    const auto begin = body.find('{') + 1;
    return body.insert(begin, "\"model\":" + value + (empty ? "" : ","));
  }
  // Names with escapes, or one that comes twice: rare enough to be written anew.
  auto parsed = dialect::ParseJson(body);
  auto* object = parsed ? std::get_if<dialect::JsonValue::Object>(&parsed->data) : nullptr;
  if (object == nullptr) return body;
  std::erase_if(*object, [](const auto& member) { return member.key == "model"; });
  object->push_back({.key = "model", .value = dialect::JsonValue(std::string(model))});
  return parsed->Dump();
}

}  // namespace strata::server

// Uploaded files: the form that brings them, and their objects.

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "base/format_message.h"
#include "net/http.h"
#include "net/multipart.h"
#include "server/api/vector_store_json.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::size_t kFilenameBytesMax = 255;
constexpr std::int64_t kListMax = 10'000;
constexpr std::int64_t kLifetimeMin = 3600;
constexpr std::int64_t kLifetimeMax = 2'592'000;

// What files are for that nothing here reads yet.
constexpr std::string_view kOtherPurposes[] = {"batch", "fine-tune", "vision", "evals"};

std::int64_t Seconds(WallTime time) { return ToUnixMicros(time) / 1'000'000; }

std::optional<std::int64_t> Number(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out >= min && out <= max ? std::optional(out) : std::nullopt;
}

// The last part of a path, as browsers and SDKs send one. Without a part that could lead anywhere.
Result<std::string> Filename(const net::FormPart& part) {
  std::string_view name = part.filename ? std::string_view(*part.filename) : std::string_view();
  const auto at = name.find_last_of("/\\");
  if (at != name.npos) name.remove_prefix(at + 1);
  const bool control = std::ranges::any_of(
      name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kFilenameBytesMax || control) {
    return Fail(InvalidArgument(
        "file", FormatMessage("expected a file with a name of 1 to {} bytes", kFilenameBytesMax)));
  }
  return std::string(name);
}

Result<std::string> Purpose(std::string_view text) {
  if (text == "assistants" || text == "user_data") return std::string(text);
  if (std::ranges::find(kOtherPurposes, text) != std::end(kOtherPurposes)) {
    return Fail(InvalidArgument(
        "purpose", FormatMessage("files for {} are not used by this server; expected assistants or "
                                 "user_data",
                                 text)));
  }
  return Fail(InvalidArgument("purpose", "expected assistants or user_data"));
}

const net::FormPart* Find(const std::vector<net::FormPart>& parts, std::string_view name) {
  const auto at = std::ranges::find(parts, name, &net::FormPart::name);
  return at == parts.end() ? nullptr : &*at;
}

Result<std::optional<std::chrono::seconds>> Lifetime(const std::vector<net::FormPart>& parts) {
  const auto* anchor = Find(parts, "expires_after[anchor]");
  const auto* seconds = Find(parts, "expires_after[seconds]");
  if (anchor == nullptr && seconds == nullptr) return std::nullopt;
  if (anchor == nullptr || anchor->body != "created_at") {
    return Fail(InvalidArgument("expires_after.anchor", "expected created_at"));
  }
  const auto number =
      seconds == nullptr ? std::nullopt : Number(seconds->body, kLifetimeMin, kLifetimeMax);
  if (!number) {
    return Fail(InvalidArgument("expires_after.seconds",
                                FormatMessage("expected {} to {}", kLifetimeMin, kLifetimeMax)));
  }
  return std::optional(std::chrono::seconds(*number));
}

json::object FileObject(const store::StoredFile& file) {
  json::object out{{"id", file.id},
                   {"object", "file"},
                   {"bytes", file.bytes},
                   {"created_at", Seconds(file.created)}};
  out["expires_at"] = file.expires ? json::value(Seconds(*file.expires)) : json::value();
  out["filename"] = file.filename;
  out["purpose"] = file.purpose;
  out["status"] = "processed";
  out["status_details"] = nullptr;
  return out;
}

}  // namespace

Result<store::NewFile> DecodeUpload(std::string_view content_type, std::string_view body) {
  STRATA_TRY(const auto parts, net::ParseMultipart(content_type, body));
  constexpr std::string_view kKnown[] = {"file", "purpose", "expires_after[anchor]",
                                         "expires_after[seconds]"};
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    if (std::ranges::find(kKnown, part->name) == std::end(kKnown)) {
      return Fail(InvalidArgument(FieldPath(part->name.substr(0, 100), std::string(kQuotePlace)),
                                  "is not a part of this form"));
    }
    if (Find(parts, part->name) != &*part) {
      return Fail(InvalidArgument(part->name, "stands twice in the form"));
    }
  }
  const auto* purpose = Find(parts, "purpose");
  const auto* file = Find(parts, "file");
  store::NewFile out;
  STRATA_TRY(out.purpose, Purpose(purpose == nullptr ? std::string_view() : purpose->body));
  if (file == nullptr) return Fail(InvalidArgument("file", "expected a file"));
  STRATA_TRY(out.filename, Filename(*file));
  if (file->body.empty()) return Fail(InvalidArgument("file", "is empty"));
  out.content = file->body;
  STRATA_TRY(out.lifetime, Lifetime(parts));
  return out;
}

Result<store::FileStore::Query> DecodeFileQuery(std::string_view query) {
  store::FileStore::Query out;
  out.after = net::QueryParameter(query, "after").value_or("");
  out.purpose = net::QueryParameter(query, "purpose").value_or("");
  if (auto order = net::QueryParameter(query, "order")) {
    if (*order != "asc" && *order != "desc") {
      return Fail(InvalidArgument("order", "expected asc or desc"));
    }
    out.ascending = *order == "asc";
  }
  if (auto limit = net::QueryParameter(query, "limit")) {
    const auto number = Number(*limit, 1, kListMax);
    if (!number) return Fail(InvalidArgument("limit", FormatMessage("expected 1 to {}", kListMax)));
    out.limit = *number;
  }
  return out;
}

std::string EncodeFile(const store::StoredFile& file) { return json::serialize(FileObject(file)); }

std::string EncodeFileList(const store::FileStore::Page& page) {
  json::array data;
  for (const auto& file : page.files) data.push_back(FileObject(file));
  json::object out{{"object", "list"}, {"data", std::move(data)}};
  out["first_id"] = page.files.empty() ? json::value() : json::value(page.files.front().id);
  out["last_id"] = page.files.empty() ? json::value() : json::value(page.files.back().id);
  out["has_more"] = page.more;
  return json::serialize(out);
}

std::string EncodeFileDeleted(std::string_view id) {
  return json::serialize(json::object{{"id", id}, {"object", "file"}, {"deleted", true}});
}

}  // namespace strata::server

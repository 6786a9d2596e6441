#include "net/sigv4.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "base/encoding.h"

namespace strata::net {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kAuthority = ":authority";
constexpr std::size_t kAuthorizationBytesMax = 8 * 1024;
constexpr std::size_t kSignedHeadersMax = 64;

std::unexpected<Error> Unauthenticated(std::string_view why) {
  return Fail(Code::kUnauthenticated, fmt::format("SigV4: {}", why));
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// Empty and dot segments removed, as the SDKs do before they sign (RFC 3986 §5.2.4).
std::string NormalPath(std::string_view path) {
  std::vector<std::string_view> segments;
  bool slash_at_end = path.ends_with('/');
  while (!path.empty()) {
    auto end = std::min(path.find('/'), path.size());
    auto segment = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string out;
  for (auto segment : segments) out.append("/").append(segment);
  if (out.empty() || slash_at_end) out += '/';
  return out;
}

std::string CanonicalPath(std::string_view target, std::string_view service) {
  auto path = target.substr(0, target.find('?'));
  if (service == "s3") return path.empty() ? "/" : std::string(path);
  return PercentEncode(NormalPath(path), "/");
}

std::string CanonicalQuery(std::string_view target) {
  auto mark = target.find('?');
  auto query = mark == target.npos ? std::string_view() : target.substr(mark + 1);
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    auto equals = std::min(pair.find('='), pair.size());
    pairs.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(key).append("=").append(value);
  }
  return out;
}

// Trimmed, runs of spaces made one.
void AppendCanonicalValue(std::string& out, std::string_view value) {
  bool space = false;
  bool any = false;
  for (char c : value) {
    if (c == ' ' || c == '\t') {
      space = any;
      continue;
    }
    if (std::exchange(space, false)) out += ' ';
    out += c;
    any = true;
  }
}

// "name:value\n" with the values of all fields of that name, joined by commas. False: none.
bool AppendCanonicalHeader(std::string& out, std::string_view name, const Headers& headers,
                           std::string_view host) {
  out.append(name).append(":");
  bool found = false;
  for (const auto& [key, value] : headers.fields()) {
    if (!SameHeader(key, name)) continue;
    if (std::exchange(found, true)) out += ',';
    AppendCanonicalValue(out, value);
  }
  // HTTP/2 carries the host as :authority, and AWS's JavaScript SDK signs it under that name.
  if (!found && (name == "host" || name == kAuthority) && !host.empty()) {
    out.append(host);
    found = true;
  }
  out += '\n';
  return found;
}

struct Scope {
  std::string_view date;  // "20261122"
  std::string_view region;
  std::string_view service;
};

std::string ScopeText(const Scope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", scope.date, scope.region, scope.service);
}

std::string Signature(std::string_view secret, const Scope& scope, std::string_view amz_date,
                      std::string_view canonical_request) {
  auto to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, ScopeText(scope),
                             Sha256Hex(canonical_request));
  auto key = HmacSha256("AWS4" + std::string(secret), scope.date);
  for (auto part : {scope.region, scope.service, std::string_view("aws4_request")}) {
    key = HmacSha256(AsBytes(key), part);
  }
  return HexEncode(AsBytes(HmacSha256(AsBytes(key), to_sign)));
}

std::string CanonicalRequest(std::string_view method, std::string_view target,
                             std::string_view service, std::string_view header_lines,
                             std::string_view signed_names, std::string_view payload_hash) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", method, CanonicalPath(target, service),
                     CanonicalQuery(target), header_lines, signed_names, payload_hash);
}

std::string Join(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ";"));
}

// "20261122T105459Z".
std::string AmzDate(WallTime time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(seconds.time_since_epoch().count()));
}

std::optional<WallTime> ParseAmzDate(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  auto number = [&](std::size_t at, std::size_t size) {
    int value = -1;
    auto [end, error] = std::from_chars(text.data() + at, text.data() + at + size, value);
    return error == std::errc() && end == text.data() + at + size ? value : -1;
  };
  int parts[] = {number(0, 4), number(4, 2),  number(6, 2),
                 number(9, 2), number(11, 2), number(13, 2)};
  if (std::any_of(std::begin(parts), std::end(parts), [](int part) { return part < 0; })) {
    return std::nullopt;
  }
  std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                  std::chrono::month(static_cast<unsigned>(parts[1])),
                                  std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]);
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool IsHexSignature(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<> ParseCredential(std::string_view text, SigV4Authorization& out) {
  std::string_view* parts[] = {&out.access_key_id, &out.date, &out.region, &out.service};
  for (auto* part : parts) {
    auto slash = text.find('/');
    if (slash == text.npos || slash == 0) {
      return Unauthenticated("Credential is not KEY/DATE/REGION/SERVICE/aws4_request");
    }
    *part = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  if (text != "aws4_request") return Unauthenticated("Credential does not end with aws4_request");
  if (out.date.size() != 8) return Unauthenticated("the date of Credential is not YYYYMMDD");
  return {};
}

Result<> ParseSignedHeaders(std::string_view text, SigV4Authorization& out) {
  while (!text.empty()) {
    auto end = std::min(text.find(';'), text.size());
    out.signed_headers.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (out.signed_headers.size() > kSignedHeadersMax) {
      return Unauthenticated("SignedHeaders names more than 64 headers");
    }
  }
  const auto& names = out.signed_headers;
  bool sorted =
      std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) == names.end();
  bool lower = std::all_of(names.begin(), names.end(), [](std::string_view name) {
    return !name.empty() && LowerCase(name) == name;
  });
  if (names.empty() || !sorted || !lower) {
    return Unauthenticated("SignedHeaders must be lower case, sorted and without repeats");
  }
  return {};
}

Result<std::string> PayloadHash(const HttpRequest& request) {
  auto declared = request.headers.Get("x-amz-content-sha256");
  if (declared == kUnsigned) return std::string(kUnsigned);
  if (declared.starts_with("STREAMING-")) {
    return Unauthenticated("x-amz-content-sha256: chunk-signed bodies are not supported");
  }
  auto actual = Sha256Hex(request.body);
  if (!declared.empty() && declared != actual) {
    return Unauthenticated("x-amz-content-sha256 is not the hash of the body");
  }
  return actual;
}

bool IsSigned(const SigV4Authorization& auth, std::string_view lower_name) {
  return std::binary_search(auth.signed_headers.begin(), auth.signed_headers.end(), lower_name);
}

Result<> CheckSignedHeaders(const HttpRequest& request, const SigV4Authorization& auth) {
  if (!IsSigned(auth, "host") && !IsSigned(auth, kAuthority)) {
    return Unauthenticated("the host header is not signed");
  }
  for (const auto& [name, value] : request.headers.fields()) {
    auto lower = LowerCase(name);
    if (lower.starts_with("x-amz-") && !IsSigned(auth, lower)) {
      return Unauthenticated(fmt::format("the header {} is not signed", lower));
    }
  }
  return {};
}

Result<> CheckTime(std::string_view amz_date, const SigV4Authorization& auth, const Clock& clock,
                   std::chrono::seconds skew_max) {
  if (amz_date.empty()) return Unauthenticated("the header x-amz-date is missing");
  auto time = ParseAmzDate(amz_date);
  if (!time) return Unauthenticated("x-amz-date is not YYYYMMDDTHHMMSSZ");
  if (amz_date.substr(0, 8) != auth.date) {
    return Unauthenticated("x-amz-date and the date of Credential differ");
  }
  auto skew = clock.Wall() - *time;
  if (skew > skew_max || skew < -skew_max) {
    return Unauthenticated(
        fmt::format("x-amz-date {} is more than {} s away from this server's clock ({})", amz_date,
                    skew_max.count(), AmzDate(clock.Wall())));
  }
  return {};
}

}  // namespace

bool HasSigV4(const Headers& headers) {
  return headers.Get("authorization").starts_with(kAlgorithm);
}

Result<SigV4Authorization> ParseSigV4Authorization(std::string_view header) {
  if (header.size() > kAuthorizationBytesMax) {
    return Unauthenticated("the Authorization header is longer than 8192 bytes");
  }
  if (!header.starts_with(kAlgorithm) || header.substr(kAlgorithm.size()).substr(0, 1) != " ") {
    return Unauthenticated("the Authorization header does not start with AWS4-HMAC-SHA256");
  }
  header.remove_prefix(kAlgorithm.size());
  SigV4Authorization out;
  std::string_view credential, signed_headers;
  while (!header.empty()) {
    auto end = std::min(header.find(','), header.size());
    auto part = Trim(header.substr(0, end));
    header.remove_prefix(std::min(end + 1, header.size()));
    auto equals = std::min(part.find('='), part.size());
    auto value = part.substr(std::min(equals + 1, part.size()));
    auto name = part.substr(0, equals);
    auto* slot = name == "Credential"      ? &credential
                 : name == "SignedHeaders" ? &signed_headers
                 : name == "Signature"     ? &out.signature
                                           : nullptr;
    if (slot == nullptr || !slot->empty()) {
      return Unauthenticated("the Authorization header has an unknown or repeated part");
    }
    *slot = value;
  }
  if (credential.empty()) return Unauthenticated("Credential is missing");
  if (signed_headers.empty()) return Unauthenticated("SignedHeaders is missing");
  if (!IsHexSignature(out.signature)) {
    return Unauthenticated("Signature is missing or not 64 lower-case hex digits");
  }
  STRATA_CHECK_OK(ParseCredential(credential, out));
  STRATA_CHECK_OK(ParseSignedHeaders(signed_headers, out));
  return out;
}

void SignSigV4(const SigV4Credentials& credentials, const SigV4Scope& scope, WallTime now,
               std::string_view method, std::string_view host, std::string_view target,
               std::string_view body, Headers& headers) {
  auto amz_date = AmzDate(now);
  bool unsigned_payload = headers.Get("x-amz-content-sha256") == kUnsigned;
  auto payload_hash = unsigned_payload ? std::string(kUnsigned) : Sha256Hex(body);
  if (!headers.Has("host")) headers.Set("host", std::string(host));
  headers.Set("x-amz-date", amz_date);
  if (!credentials.session_token.empty()) {
    headers.Set("x-amz-security-token", credentials.session_token);
  }
  if (scope.service == "s3") headers.Set("x-amz-content-sha256", payload_hash);
  std::vector<std::string> names;
  for (const auto& [name, value] : headers.fields()) {
    auto lower = LowerCase(name);
    if (lower == "host" || lower == "content-type" || lower.starts_with("x-amz-")) {
      names.push_back(std::move(lower));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string lines;
  for (const auto& name : names) AppendCanonicalHeader(lines, name, headers, host);
  auto signed_names = Join({names.begin(), names.end()});
  Scope place{std::string_view(amz_date).substr(0, 8), scope.region, scope.service};
  auto canonical =
      CanonicalRequest(method, target, scope.service, lines, signed_names, payload_hash);
  headers.Set("Authorization",
              fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                          credentials.access_key_id, ScopeText(place), signed_names,
                          Signature(credentials.secret_access_key, place, amz_date, canonical)));
}

Result<SigV4Verified> VerifySigV4(const HttpRequest& request, const Clock& clock,
                                  const SigV4SecretOf& secret_of,
                                  const SigV4VerifyOptions& options) {
  STRATA_TRY(auto auth, ParseSigV4Authorization(request.headers.Get("authorization")));
  if (auth.service != options.service) {
    return Unauthenticated(
        fmt::format("Credential is scoped to another service than '{}'", options.service));
  }
  auto amz_date = request.headers.Get("x-amz-date");
  STRATA_CHECK_OK(CheckTime(amz_date, auth, clock, options.skew_max));
  STRATA_CHECK_OK(CheckSignedHeaders(request, auth));
  STRATA_TRY(auto payload_hash, PayloadHash(request));
  std::string lines;
  for (auto name : auth.signed_headers) {
    if (!AppendCanonicalHeader(lines, name, request.headers, request.authority)) {
      return Unauthenticated("a header named in SignedHeaders was not sent");
    }
  }
  auto secret = secret_of(auth.access_key_id);
  auto canonical = CanonicalRequest(request.method, request.target, auth.service, lines,
                                    Join(auth.signed_headers), payload_hash);
  // An unknown key goes through the same work, so that its absence does not show.
  auto expected = Signature(secret.value_or("no such key"), {auth.date, auth.region, auth.service},
                            amz_date, canonical);
  bool right = ConstantTimeEqual(expected, auth.signature);
  if (!right || !secret) {
    return Unauthenticated("the access key is unknown or the signature does not match");
  }
  return SigV4Verified{std::string(auth.access_key_id), std::string(auth.region),
                       std::string(auth.service),
                       std::string(request.headers.Get("x-amz-security-token"))};
}

}  // namespace strata::net

#include "net/http1/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace strata::net::http1 {
namespace {

constexpr std::size_t kFieldsMax = 256;
constexpr std::size_t kFieldsUsual = 16;

constexpr std::array<bool, 256> TokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = table[c + 32] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = TokenTable();

constexpr Failure Bad(std::string_view message) { return {400, message}; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next line without its CRLF; nullopt when it does not end so. It may hold a bare CR, which is
// in no token, target, version or field value.
std::optional<std::string_view> TakeLine(std::string_view& head) {
  auto end = head.find('\n');
  if (end == head.npos || end == 0 || head[end - 1] != '\r') return std::nullopt;
  auto line = head.substr(0, end - 1);
  head.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> ParseLength(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Calls `visit` for each member of a comma separated list until it returns false.
template <class F>
void EachMember(std::string_view list, F visit) {
  while (!list.empty()) {
    auto end = list.find(',');
    if (!visit(Trim(list.substr(0, end)))) return;
    list = end == list.npos ? std::string_view() : list.substr(end + 1);
  }
}

struct FieldScan {
  Headers& headers;
  Framing& framing;
  int hosts = 0;
  bool close = false;
  bool keep_alive = false;
};

void NoteConnection(std::string_view value, FieldScan& scan) {
  EachMember(value, [&](std::string_view member) {
    scan.close |= SameHeader(member, "close");
    scan.keep_alive |= SameHeader(member, "keep-alive");
    return true;
  });
}

// The few fields that say where a message ends and what becomes of its connection.
std::optional<Failure> NoteField(std::string_view name, std::string_view value, FieldScan& scan) {
  auto& framing = scan.framing;
  switch (name.size()) {
    case std::string_view("host").size():
      if (SameHeader(name, "host")) ++scan.hosts;
      break;
    case std::string_view("expect").size():
      if (!SameHeader(name, "expect")) break;
      if (!SameHeader(value, "100-continue")) return Failure{417, "expect must be 100-continue"};
      framing.expects_continue = true;
      break;
    case std::string_view("connection").size():
      if (SameHeader(name, "connection")) NoteConnection(value, scan);
      break;
    case std::string_view("content-length").size():
      if (!SameHeader(name, "content-length")) break;
      if (framing.content_length) return Bad("content-length occurs twice");
      framing.content_length = ParseLength(value);
      if (!framing.content_length) return Bad("content-length is not a whole number");
      break;
    case std::string_view("transfer-encoding").size():
      if (!SameHeader(name, "transfer-encoding")) break;
      if (framing.chunked) return Bad("transfer-encoding occurs twice");
      if (!SameHeader(value, "chunked")) {
        return Failure{501, "transfer-encoding other than chunked is not supported"};
      }
      framing.chunked = true;
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::optional<Failure> ParseFields(std::string_view head, FieldScan& scan) {
  scan.headers.Reserve(kFieldsUsual);
  for (std::size_t count = 0;; ++count) {
    auto line = TakeLine(head);
    if (!line) return Bad("header lines must end with CRLF");
    if (line->empty()) break;
    if (count == kFieldsMax) return Failure{431, "more than 256 header fields"};
    std::size_t colon = 0;
    while (colon < line->size() && kToken[static_cast<unsigned char>((*line)[colon])]) ++colon;
    if (colon == 0 || colon == line->size() || (*line)[colon] != ':') {
      return Bad("a header line has no valid name");
    }
    auto name = line->substr(0, colon);
    auto value = Trim(line->substr(colon + 1));
    if (!IsFieldValue(value)) return Bad("a header value holds control characters");
    if (auto failure = NoteField(name, value, scan)) return failure;
    scan.headers.Add(std::string(name), std::string(value));
  }
  if (scan.framing.chunked && scan.framing.content_length) {
    return Bad("content-length and transfer-encoding exclude each other");
  }
  return std::nullopt;
}

// "HTTP/1.0" → 0, "HTTP/1.1" → 1.
std::optional<Failure> ParseVersion(std::string_view text, int& minor) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.') {
    return Bad("the request line does not end with an HTTP version");
  }
  if (text[5] != '1' || (text[7] != '0' && text[7] != '1')) {
    return Failure{505, "only HTTP/1.1, HTTP/1.0 and HTTP/2 are served"};
  }
  minor = text[7] - '0';
  return std::nullopt;
}

// "http://host/path" → "/path" and the host; origin form stays as it is.
std::optional<Failure> SplitTarget(HttpRequest& request) {
  auto& target = request.target;
  auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (target.empty() || !std::all_of(target.begin(), target.end(), visible)) {
    return Bad("the request target holds characters that must be percent-encoded");
  }
  if (target.front() == '/' || target == "*" || request.method == "CONNECT") return std::nullopt;
  auto scheme = target.find("://");
  if (scheme == target.npos || scheme == 0)
    return Bad("the request target must start with a slash");
  auto path = target.find_first_of("/?", scheme + 3);
  request.authority = target.substr(scheme + 3, path == target.npos ? path : path - scheme - 3);
  auto rest = path == target.npos ? std::string() : target.substr(path);
  target = rest.starts_with('/') ? rest : "/" + rest;
  return std::nullopt;
}

}  // namespace

std::size_t FindHeadEnd(std::string_view bytes, std::size_t& scanned) {
  auto from = scanned < 3 ? 0 : scanned - 3;
  auto at = bytes.find("\r\n\r\n", from);
  scanned = bytes.size();
  return at == bytes.npos ? at : at + 4;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

// Eight bytes a step where none of them is a control; tabs are looked at again.
bool IsFieldValue(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + sizeof(word) <= text.size(); at += sizeof(word)) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    const auto below_space = (word - kOnes * 0x20) & ~word & kHigh;
    const auto without_delete = word ^ (kOnes * 0x7f);
    const auto is_delete = (without_delete - kOnes) & ~without_delete & kHigh;
    if ((below_space | is_delete) != 0) break;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

std::optional<Failure> ParseRequestHead(std::string_view head, HttpRequest& request,
                                        Framing& framing) {
  auto line = TakeLine(head);
  if (!line) return Bad("the request line must end with CRLF");
  auto first = line->find(' ');
  auto last = line->rfind(' ');
  if (first == line->npos || first == last) {
    return Bad("the request line is not METHOD TARGET VERSION");
  }
  request.method = line->substr(0, first);
  request.target = line->substr(first + 1, last - first - 1);
  if (!IsToken(request.method)) return Bad("the method is not a token");
  int minor = 1;
  if (auto failure = ParseVersion(line->substr(last + 1), minor)) return failure;
  if (auto failure = SplitTarget(request)) return failure;
  FieldScan scan{request.headers, framing};
  if (auto failure = ParseFields(head, scan)) return failure;
  if (scan.hosts > 1 || (scan.hosts == 0 && minor == 1)) {
    return Bad("exactly one host header is required");
  }
  if (request.authority.empty()) request.authority = request.headers.Get("host");
  framing.keep_alive = !scan.close && (minor == 1 || scan.keep_alive);
  framing.http10 = minor == 0;
  if (framing.http10) {
    if (framing.chunked) return Bad("HTTP/1.0 has no transfer-encoding");
    framing.expects_continue = false;
  }
  return std::nullopt;
}

std::optional<Failure> ParseResponseHead(std::string_view head, ResponseHead& response,
                                         Framing& framing) {
  auto line = TakeLine(head);
  if (!line || line->size() < 12 || !line->starts_with("HTTP/1.") || (*line)[8] != ' ' ||
      ((*line)[7] != '0' && (*line)[7] != '1')) {
    return Bad("not an HTTP/1.1 status line");
  }
  auto status = ParseLength(line->substr(9, 3));
  if (!status || *status < 100 || *status > 599 || (line->size() > 12 && (*line)[12] != ' ') ||
      line->find('\r') != line->npos) {
    return Bad("not an HTTP/1.1 status line");
  }
  response.status = static_cast<int>(*status);
  FieldScan scan{response.headers, framing};
  if (auto failure = ParseFields(head, scan)) return failure;
  framing.keep_alive = !scan.close && ((*line)[7] == '1' || scan.keep_alive);
  return std::nullopt;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 424:
      return "Failed Dependency";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "Unknown";
  }
}

}  // namespace strata::net::http1

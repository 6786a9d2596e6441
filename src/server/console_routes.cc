// The console: /console with recent traces and cost, /console/trace/ID, pictures of cited pages. No
// scripts; every page needs its token (trace_links.h), the console's cookie, or a key.

#include <fmt/format.h>

#include <charconv>

#include "base/pool.h"
#include "knowledge/page_render.h"
#include "observe/ledger.h"
#include "server/console/html.h"
#include "server/console/trace_page.h"
#include "server/routes.h"
#include "server/server_admin.h"
#include "server/trace_readers.h"

namespace strata::server {
namespace {

constexpr std::string_view kCookie = "strata_console=";
constexpr std::size_t kTracesShown = 50;

net::Headers PageHeaders(std::string type) {
  net::Headers headers;
  headers.Set("content-type", std::move(type));
  headers.Set(
      "content-security-policy",
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'");
  headers.Set("x-content-type-options", "nosniff");
  headers.Set("referrer-policy", "no-referrer");  // addresses hold tokens
  headers.Set("cache-control", "no-store");
  return headers;
}

std::string CookieToken(const net::HttpRequest& request) {
  auto cookies = request.headers.Get("cookie");
  auto at = cookies.find(kCookie);
  if (at == cookies.npos) return {};
  auto token = cookies.substr(at + kCookie.size());
  return std::string(token.substr(0, token.find(';')));
}

bool ConsoleOpen(const Services& s, const net::HttpRequest& request) {
  auto token = net::QueryParameter(request.query(), "t");
  if (token && s.links.OpensConsole(*token)) return true;
  if (s.links.OpensConsole(CookieToken(request))) return true;
  auto key = s.access.Authenticate(request);
  return key.has_value() && (*key)->HasRole("admin") && IsServerAdmin((*key)->grant.workspace);
}

// A browser says that it shows HTML; programs that take anything get JSON.
bool WantsPage(const net::HttpRequest& request) {
  return request.headers.Get("accept").find("text/html") != std::string_view::npos;
}

// A page for people, an error in JSON for programs.
Task<Result<>> RefuseAccess(Exchange& e) {
  if (!WantsPage(e.http)) {
    co_return Fail(Code::kUnauthenticated,
                   "open this page by the link that strata printed or sent (it ends in ?t=…), or "
                   "send a key");
  }
  auto headers = PageHeaders("text/html; charset=utf-8");
  headers.Set("www-authenticate", "Bearer");
  constexpr std::string_view kBody =
      "<h2>This page opens by its link</h2>"
      "<p>strata serves APIs here, and a console. The console's link holds a token; on the machine "
      "that runs strata, this prints it:</p><pre>strata --data DIR console</pre>"
      "<p>Every answer names the page of its own trace, in the header "
      "<code>x-strata-trace-url</code>: that link opens without anything else.</p>";
  co_return co_await e.writer.Send(401, std::move(headers), Page("Console", kBody));
}

std::string TracesTable(const Services& s, const std::vector<observe::TraceSummary>& traces) {
  std::string out =
      "<div class=\"scroll\"><table><tr><th>trace</th><th>start</th><th "
      "class=\"n\">ms</th><th>dialect</th><th>model</th>"
      "<th>result</th></tr>";
  for (const auto& t : traces) {
    out += fmt::format(
        R"(<tr><td><a href="{}">{}…</a></td><td>{}</td><td class="n">{:.1f}</td><td>{}</td><td>{}</td><td{}>{}</td></tr>)",
        Escaped(s.links.UrlOf(t.trace_id).substr(s.links.public_url().size())),
        t.trace_id.substr(0, 12), FormatIso8601(t.start),
        static_cast<double>(t.duration.count()) / 1000, Escaped(t.dialect), Escaped(t.model),
        t.error_code.empty() ? "" : " class=\"bad\"",
        t.error_code.empty() ? "ok" : Escaped(t.error_code));
  }
  return out + "</table></div>";
}

std::string CostSection(const std::vector<observe::CostLine>& lines) {
  std::string out =
      "<div class=\"scroll\"><table><tr><th>model</th><th class=\"n\">calls</th><th "
      "class=\"n\">tokens in</th>"
      "<th class=\"n\">tokens out</th><th class=\"n\">USD</th></tr>";
  for (const auto& line : lines) {
    auto cost = domain::FormatUsd(line.cost);
    if (line.unpriced_calls > 0) cost += fmt::format(" + {} of unknown price", line.unpriced_calls);
    if (line.estimated_calls > 0) {
      cost += fmt::format(" ({} of it estimated)", domain::FormatUsd(line.estimated));
    }
    out += fmt::format(
        R"(<tr><td>{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td></tr>)",
        Escaped(line.group), line.calls,
        line.input_tokens + line.cache_read_tokens + line.cache_write_tokens, line.output_tokens,
        cost);
  }
  return out + "</table></div>";
}

Task<Result<>> Home(Services& s, Exchange& e) {
  if (!ConsoleOpen(s, e.http)) co_return co_await RefuseAccess(e);
  observe::TraceQuery query;
  query.limit = kTracesShown;
  STRATA_CO_TRY(auto traces, co_await s.traces.List(std::move(query)));
  STRATA_CO_TRY(auto lines, co_await s.ledger.Cost({}));
  auto body = "<h2>Recent requests</h2>" + TracesTable(s, traces) + "<h2>Cost by model</h2>" +
              CostSection(lines);
  auto headers = PageHeaders("text/html; charset=utf-8");
  if (auto token = net::QueryParameter(e.http.query(), "t")) {
    headers.Set("set-cookie",
                fmt::format("{}{}; Path=/console; HttpOnly; SameSite=Strict", kCookie, *token));
  }
  co_return co_await e.writer.Send(200, std::move(headers), Page("Console", body));
}

bool TraceOpen(const Services& s, const Exchange& e) {
  auto token = net::QueryParameter(e.http.query(), "t").value_or("");
  return s.links.Opens(e.params.at(0), token) || ConsoleOpen(s, e.http);
}

// A trace is written a moment after its answer, so a miss flushes and looks again.
Task<Result<observe::FinishedTrace>> FindTrace(Services& s, Exchange& e) {
  const auto& id = e.params.at(0);
  auto found = co_await s.traces.Get(id);
  if (found.has_value() || found.error().code() != Code::kNotFound) co_return found;
  auto flush = [&s]() -> Result<> {
    s.traces.Flush();
    return {};
  };
  STRATA_CO_CHECK_OK(co_await RunBlocking(s.admin_pool, std::move(flush)));
  co_return co_await s.traces.Get(id);
}

Task<Result<>> ShowTrace(Services& s, Exchange& e) {
  if (!TraceOpen(s, e)) co_return co_await RefuseAccess(e);
  STRATA_CO_TRY(auto trace, co_await FindTrace(s, e));
  STRATA_CO_CHECK_OK(co_await LeaveOutWhatIsGone(s, trace, e.ctx));
  // Pictures on the page open with this trace's own token, however the page itself was opened.
  auto url = s.links.UrlOf(trace.trace_id);
  auto token = url.substr(url.rfind('=') + 1);
  co_return co_await e.writer.Send(200, PageHeaders("text/html; charset=utf-8"),
                                   TracePage(trace, token));
}

// What the answer cited must still stand there: a chunk's id is a hash of its text and place, so a
// document that was indexed anew with another text lacks it.
Task<Result<>> CheckStillCited(Services& s, const TracedCitation& citation, RequestContext& ctx) {
  if (citation.chunk_id.empty()) co_return Result<>{};
  auto chunk = co_await s.bases.FetchChunk(citation.knowledge_base_id, citation.chunk_id, ctx);
  if (chunk.has_value()) co_return Result<>{};
  if (chunk.error().code() != Code::kNotFound) co_return std::unexpected(std::move(chunk.error()));
  co_return Fail(Code::kConflict,
                 fmt::format("the passage that was cited is not in {} any more", citation.uri));
}

Task<Result<>> ShowSource(Services& s, Exchange& e) {
  if (!TraceOpen(s, e)) co_return co_await RefuseAccess(e);
  STRATA_CO_TRY(auto trace, co_await FindTrace(s, e));
  const auto& name = e.params.at(1);  // "3.png"
  std::size_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  auto citations = CitationsOf(trace);
  bool good = error == std::errc() && std::string_view(end, name.data() + name.size()) == ".png";
  if (!good || number < 1 || number > citations.size()) co_return Fail(NotFound("source", name));
  auto& citation = citations[number - 1];
  if (citation.pages.empty()) co_return Fail(NotFound("page of source", name));
  ReadAs(s, trace, e.ctx);
  if (!citation.base.empty()) {
    STRATA_CO_TRY(auto base, s.bases.FindByName(citation.base, e.ctx.workspace));
    citation.knowledge_base_id = std::move(base.id);
  }
  STRATA_CO_CHECK_OK(co_await CheckStillCited(s, citation, e.ctx));
  STRATA_CO_TRY(auto original, co_await s.bases.FetchOriginal(citation.knowledge_base_id,
                                                              citation.document_id, e.ctx));
  knowledge::RenderInput input;
  input.name = original.name;
  input.bytes = std::move(original.bytes);
  input.page = citation.pages.front().page;
  input.marks = citation.pages.front().boxes;
  STRATA_CO_TRY(auto page, co_await s.renderer.Render(std::move(input), e.ctx));
  co_return co_await e.writer.Send(200, PageHeaders("image/png"), std::move(page.png));
}

Task<Result<>> SendAsset(Exchange& e, std::string_view type, std::string_view text) {
  auto headers = PageHeaders(std::string(type));
  headers.Set("cache-control", "max-age=3600");
  co_return co_await e.writer.Send(200, std::move(headers), std::string(text));
}

}  // namespace

void AddConsoleRoutes(Router& router, Services& services) {
  auto* s = &services;
  auto add = [&](std::string pattern, std::string operation, RouteHandler handler) {
    router.Add({.method = "GET",
                .pattern = std::move(pattern),
                .face = Face::kStrata,
                .operation = std::move(operation),
                .role = "",
                .handler = std::move(handler)});
  };
  add("/", "console", [](Exchange& e) { return RefuseAccess(e); });
  add("/console", "console", [s](Exchange& e) { return Home(*s, e); });
  add("/console/console.css", "console",
      [](Exchange& e) { return SendAsset(e, "text/css; charset=utf-8", Stylesheet()); });
  add("/console/icon.svg", "console",
      [](Exchange& e) { return SendAsset(e, "image/svg+xml", Icon()); });
  add("/console/trace/{id}", "console", [s](Exchange& e) { return ShowTrace(*s, e); });
  add("/console/trace/{id}/source/{file}", "console",
      [s](Exchange& e) { return ShowSource(*s, e); });
}

}  // namespace strata::server

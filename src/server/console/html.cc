#include "server/console/html.h"

#include <fmt/format.h>

#include "base/markup.h"
#include "base/utf8.h"

namespace strata::server {

std::string Escaped(std::string_view text) { return MarkupOf(ReplaceInvalidUtf8(text)); }

std::string Page(std::string_view title, std::string_view body) {
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0} · strata</title>
<link rel="icon" type="image/svg+xml" href="/console/icon.svg">
<link rel="stylesheet" href="/console/console.css">
</head>
<body>
<header><a class="brand" href="/console">strata</a></header>
<main>
<h1>{0}</h1>
{1}
</main>
</body>
</html>
)",
                     Escaped(title), body);
}

std::string_view Stylesheet() {
  return R"(:root{color-scheme:light dark;--ink:#1c2530;--soft:#5a6875;--line:#d8dee4;--ground:#fff;--panel:#f5f7f9;--mark:#0b6e99;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9ee;--soft:#9fb0bf;--line:#33404c;--ground:#12181e;--panel:#1a232b;--mark:#5cc0ea;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,"DejaVu Sans",sans-serif;color:var(--ink);background:var(--ground)}
header{padding:.7rem 1.2rem;border-bottom:1px solid var(--line);background:var(--panel)}
.brand{font-weight:700;letter-spacing:.04em;color:var(--ink);text-decoration:none}
main{max-width:70rem;margin:0 auto;padding:1rem 1.2rem 4rem}
h1{font-size:1.4rem;margin:.6rem 0 1rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .6rem}
a{color:var(--mark)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}
td.n,th.n{text-align:right;white-space:nowrap}
.scroll{overflow-x:auto}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 1.6rem;margin:0 0 1rem;padding:0;list-style:none;color:var(--soft)}
.facts b{color:var(--ink);font-weight:600}
.question,.answer{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;margin:.3rem 0 1rem}
.answer sup a{text-decoration:none;font-weight:700}
.source{display:grid;grid-template-columns:minmax(14rem,1fr) minmax(16rem,26rem);gap:1.2rem;padding:1rem 0;border-bottom:1px solid var(--line)}
@media (max-width:44rem){.source{grid-template-columns:1fr}}
.source:target{background:var(--panel)}
.source blockquote{margin:.4rem 0;padding-left:.8rem;border-left:3px solid var(--mark)}
.source img{width:100%;height:auto;border:1px solid var(--line);background:#fff}
.span{margin:.15rem 0}
.span>summary{display:grid;grid-template-columns:1fr 5.5rem 12rem;gap:.8rem;align-items:center;cursor:pointer;padding:.15rem 0;border-bottom:1px solid var(--line)}
@media (max-width:44rem){.span>summary{grid-template-columns:1fr 5rem}.bar{display:none}}
.span .ms{text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
.span .kids{margin-left:1.1rem}
.span dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem 1rem;margin:.4rem 0 .6rem 1.1rem}
.span dt{color:var(--soft)}.span dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
.span dd table{white-space:normal}.span dd th{white-space:nowrap}.span dd td{min-width:5rem}
.bar{display:block;width:100%;height:.6rem}
.bar rect.all{fill:var(--panel)}.bar rect.own{fill:var(--mark)}
.bad{color:var(--bad)}
.muted{color:var(--soft)}
)";
}

std::string_view Icon() {
  return R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#0b6e99">
<rect x="2" y="3" width="12" height="2"/><rect x="2" y="7" width="9" height="2"/><rect x="2" y="11" width="12" height="2"/>
</svg>
)";
}

}  // namespace strata::server

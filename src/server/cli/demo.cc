#include "server/cli/demo.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>

#include "server/cli/bases.h"
#include "server/cli/print.h"
#include "server/config_check.h"
#include "server/serve.h"

namespace strata::server {
namespace {

namespace json = boost::json;

constexpr std::string_view kBase = "samples";
constexpr std::string_view kQuestion =
    "How long may an archive box of glass plates stay on the upper shelf?";

// Makes the sample base on the first start; later ones find it and bring it up to date.
Result<> Prepare(Caller& caller, const std::string& samples) {
  auto folder = std::filesystem::absolute(samples).lexically_normal().string();
  STRATA_TRY(bool there, HasBase(caller, std::string(kBase)));
  if (!there) {
    auto body = json::serialize(json::object{{"name", kBase}, {"source", folder}});
    STRATA_CHECK_OK(caller.Call("POST", "/strata/v1/kbs", std::move(body)));
  }
  ProgressLine progress;
  return caller.Stream(
      "POST", fmt::format("/strata/v1/kbs/{}/sync", kBase), {}, [&](std::string_view text) {
        auto line = json::parse(text).as_object();
        bool done = line.contains("statistics");
        const auto& s = line.at(done ? "statistics" : "progress").as_object();
        auto summary = fmt::format("knowledge base {}: {} documents, {} new, {} changed, {} failed",
                                   kBase, NumberOf(s, "scanned"), NumberOf(s, "added"),
                                   NumberOf(s, "modified"), NumberOf(s, "failed"));
        done ? progress.Finish(summary) : progress.Show(summary);
      });
}

void PrintSnippets(RunningServer& server, const std::string& bearer) {
  auto key = bearer.empty() ? std::string("YOUR_KEY") : bearer;
  fmt::print(R"(
The same with your SDK (key: {key}):

  # OpenAI                                   pip install openai
  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key="{key}")
  answer = client.chat.completions.create(model="kb/{kb}", messages=[{{"role": "user", "content": "{question}"}}])
  print(answer.choices[0].message.content, answer.choices[0].message.annotations)

  # Anthropic                                pip install anthropic
  from anthropic import Anthropic
  client = Anthropic(base_url="{url}", api_key="{key}")
  answer = client.messages.create(model="kb/{kb}", max_tokens=500, messages=[{{"role": "user", "content": "{question}"}}])
  print(answer.content)

  # Bedrock                                  pip install boto3
  import boto3, os
  os.environ |= {{"AWS_BEARER_TOKEN_BEDROCK": "{key}", "AWS_CA_BUNDLE": "{authority}"}}
  client = boto3.client("bedrock-runtime", endpoint_url="{tls}", region_name="us-east-1")
  answer = client.converse(modelId="kb/{kb}", messages=[{{"role": "user", "content": [{{"text": "{question}"}}]}}])
  print(answer["output"]["message"]["content"])

)",
             fmt::arg("key", key), fmt::arg("url", server.url()), fmt::arg("kb", kBase),
             fmt::arg("question", kQuestion), fmt::arg("authority", server.authority_file()),
             fmt::arg("tls", server.tls_url()));
}

}  // namespace

Result<int> Demo(const CallerFlags& common, const std::map<std::string, std::string>& overrides,
                 const std::string& samples) {
  BlockSignals();
  auto settings = overrides;
  settings.emplace("log.requests", "errors");  // the terminal is for the answer
  STRATA_TRY(auto config, LoadUsableConfig(common.config_file, settings, common.data_folder));
  STRATA_TRY(auto server, RunningServer::Start(std::move(config), common.data_folder));
  STRATA_TRY(auto caller, Caller::Open(common));
  STRATA_CHECK_OK(Prepare(*caller, samples));
  fmt::print("\nquestion: {}\n", kQuestion);
  json::object body{{"question", kQuestion}};
  STRATA_TRY(auto reply, caller->Call("POST", fmt::format("/strata/v1/kbs/{}/ask", kBase),
                                      json::serialize(body)));
  PrintAnswer(reply);
  STRATA_TRY(auto bearer, Welcome(*server));
  PrintSnippets(*server, bearer);
  fmt::print("console {}\n        (Ctrl-C stops)\n", server->app().ConsoleUrl());
  std::fflush(stdout);
  server->ServeUntilStopped();
  return 0;
}

}  // namespace strata::server

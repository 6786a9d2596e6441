#include "server/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/utf8.h"
#include "gateway/resilience.h"
#include "knowledge/chunker.h"
#include "knowledge/knowledge_base.h"
#include "knowledge/parser.h"
#include "knowledge/retrieve_and_generate.h"
#include "knowledge/source.h"
#include "net/client.h"
#include "net/server.h"
#include "observe/otlp.h"
#include "observe/trace_store.h"
#include "provider/local_models.h"
#include "provider/remote.h"
#include "server/app.h"
#include "server/config_node.h"
#include "server/guardrail_config.h"
#include "server/hook_config.h"
#include "server/live_config.h"
#include "server/model_config.h"
#include "server/provider_config.h"
#include "store/file_store.h"
#include "store/journal.h"
#include "store/response_store.h"

namespace strata::server {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr int kDepthMax = 16;
constexpr std::size_t kNodesMax = 20'000;

// Counts the nodes of a document as they are reached: an alias (&a, *a) can make a small file a
// tree without end.
bool IsBounded(const YAML::Node& node, int depth, std::size_t& nodes) {
  if (depth > kDepthMax + 1 || ++nodes > kNodesMax) return false;
  if (node.IsSequence()) {
    for (const auto& item : node) {
      if (!IsBounded(item, depth + 1, nodes)) return false;
    }
  } else if (node.IsMap()) {
    for (const auto& item : node) {
      if (!IsBounded(item.first, depth + 1, nodes)) return false;
      if (!IsBounded(item.second, depth + 1, nodes)) return false;
    }
  }
  return true;
}

class Reader {
 public:
  Reader(std::string file, std::span<const OptionTable> tables, Findings& findings)
      : file_(std::move(file)), findings_(findings) {
    for (auto table : tables) {
      for (const auto& option : table) kinds_[std::string(option.name)] = option.kind;
    }
  }

  void ReadTop(const YAML::Node& top) {
    if (top.IsNull()) return;
    if (!top.IsMap()) return Problem(top, "the file must be a mapping of options");
    FindDuplicates(top, problem_);
    YAML::Node models_at(YAML::NodeType::Undefined);  // read last: it refers to the providers
    for (const auto& item : top) {
      if (!item.first.IsScalar()) continue;  // has its problem already
      const auto& key = item.first.Scalar();
      if (key == "providers") {
        providers = ReadProviders(item.second, problem_, PlaceUnder("providers."));
      } else if (key == "aliases") {
        ReadAliases(item.second);
      } else if (key == "models" && !item.second.IsMap()) {  // a mapping is the options models.*
        models_at = item.second;
      } else if (key == "guardrails") {
        guardrails = ReadGuardrails(item.second, problem_);
      } else if (key == "hooks") {
        hooks = ReadHooks(item.second, problem_, PlaceUnder("hooks."));
      } else {
        ReadOption(key, item.second, 1);
      }
    }
    if (models_at.IsDefined()) {
      models = ReadModels(models_at, problem_, PlaceUnder("models."));
    }
  }

  std::map<std::string, Options::Given> given;
  std::vector<provider::ProviderSpec> providers;
  std::map<std::string, std::string> aliases;
  std::vector<gateway::PoolSpec> models;
  std::vector<guard::WordPolicySpec> guardrails;
  std::vector<gateway::HookSpec> hooks;
  std::map<std::string, std::string, std::less<>> places;

 private:
  std::string Place(const YAML::Node& node) const {
    auto mark = node.Mark();
    return mark.is_null() ? file_ : fmt::format("{}:{}", file_, mark.line + 1);
  }

  void Problem(const YAML::Node& node, std::string_view what) {
    findings_.Problem(Place(node), what);
  }

  std::function<void(const std::string&, const YAML::Node&)> PlaceUnder(std::string prefix) {
    return [this, prefix = std::move(prefix)](const std::string& name, const YAML::Node& node) {
      places.emplace(prefix + name, Place(node));
    };
  }

  void Give(const std::string& name, std::string value, const YAML::Node& node) {
    auto place = Place(node);
    auto [first, fresh] = given.emplace(name, Options::Given{std::move(value), place});
    if (fresh) return;
    auto text = fmt::format("{}: stands twice", name);
    // Nested and dotted forms of one option; one form twice has its problem already.
    bool known = std::ranges::any_of(findings_.problems(), [&](const Finding& f) {
      return f.place == place && f.text.starts_with(text);
    });
    if (known) return;
    Problem(node, fmt::format("{}, first at {}; expected one", text, first->second.place));
  }

  void ReadOption(const std::string& name, const YAML::Node& node, int depth) {
    if (depth > kDepthMax)
      return Problem(node, fmt::format("{}: nested deeper than {}", name, kDepthMax));
    auto kind = kinds_.find(name);
    bool is_list = kind != kinds_.end() && kind->second == OptionKind::kTextList;
    if (is_list && (node.IsSequence() || node.IsMap())) return ReadList(name, node);
    if (node.IsScalar() || node.IsNull()) {
      return Give(name, node.IsNull() ? std::string() : node.Scalar(), node);
    }
    if (!node.IsMap() || kind != kinds_.end()) {
      return Problem(node, fmt::format("{}: expected a single value", name));
    }
    for (const auto& item : node) {
      if (item.first.IsScalar())
        ReadOption(name + "." + item.first.Scalar(), item.second, depth + 1);
    }
  }

  // A list of texts, or a mapping that is written `key=value`, joined by commas.
  void ReadList(const std::string& name, const YAML::Node& node) {
    std::vector<std::string> items;
    if (node.IsSequence()) {
      items = TextsAt(node, name, problem_);
    } else {
      for (const auto& [key, value] : PairsAt(node, name, problem_)) {
        items.push_back(key + "=" + value);
      }
    }
    std::string joined;
    for (const auto& text : items) {
      if (text.find(',') != text.npos)
        Problem(node, fmt::format("{}: '{}' must not hold a comma", name, text));
      joined += (joined.empty() ? "" : ",") + text;
    }
    Give(name, std::move(joined), node);
  }

  void ReadAliases(const YAML::Node& node) {
    if (!node.IsMap()) return Problem(node, "aliases: expected a mapping of alias to model id");
    for (const auto& item : node) {
      if (!item.first.IsScalar()) continue;
      const auto& alias = item.first.Scalar();
      if (!item.second.IsScalar() || item.second.Scalar().empty() || alias.empty()) {
        Problem(item.second, fmt::format("aliases.{}: expected a model id", alias));
        continue;
      }
      aliases.emplace(alias, item.second.Scalar());
      places.emplace("aliases." + alias, Place(item.second));
    }
  }

  const std::string file_;
  Findings& findings_;
  const ConfigProblem problem_ = [this](const YAML::Node& at, std::string_view what) {
    Problem(at, what);
  };
  std::map<std::string, OptionKind> kinds_;
};

Result<> CheckUtf8(std::string_view yaml, const std::string& file) {
  std::size_t line = 1;
  for (std::size_t at = 0; at < yaml.size();) {
    auto size = Utf8SequenceSize(yaml, at);
    if (size == 0) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}:{}: byte 0x{:02x} is not UTF-8; expected a file in UTF-8", file,
                              line, static_cast<unsigned char>(yaml[at])));
    }
    if (yaml[at] == '\n') ++line;
    at += size;
  }
  return {};
}

// The one document of `yaml`. Errors: kInvalidArgument with the line, kTooLarge.
Result<YAML::Node> LoadYaml(std::string_view yaml, const std::string& file) {
  try {
    auto documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() > 1) {
      auto line = documents[1].Mark().is_null() ? 0 : documents[1].Mark().line + 1;
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}:{}: a second YAML document begins; expected one", file, line));
    }
    if (documents.empty()) return YAML::Node();
    std::size_t nodes = 0;
    if (!IsBounded(documents[0], 0, nodes)) {
      return Fail(Code::kTooLarge, fmt::format("{} is nested deeper than {} or has more than {} "
                                               "values, aliases resolved",
                                               file, kDepthMax, kNodesMax));
    }
    return documents[0];
  } catch (const YAML::Exception& e) {
    return Fail(Code::kInvalidArgument, fmt::format("{}:{}: {}", file, e.mark.line + 1, e.msg));
  } catch (const std::exception& e) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: {}", file, e.what()));
  }
}

// Options of the values that are good, so that a bad one does not keep the others from being
// checked; the bad ones become problems.
Result<Options> BuildOptions(std::span<const OptionTable> tables,
                             std::map<std::string, Options::Given>& given, Findings& findings) {
  auto all = Options::Build(tables, given);
  if (all.has_value()) return all;
  for (auto it = given.begin(); it != given.end();) {
    auto one = Options::Build(tables, {*it});
    if (one.has_value()) {
      ++it;
      continue;
    }
    const auto& place = it->second.place;
    // "PLACE: what"
    findings.Problem(place, std::string_view(one.error().message()).substr(place.size() + 2));
    it = given.erase(it);
  }
  return Options::Build(tables, given);
}

}  // namespace

std::vector<OptionTable> AllOptionTables() {
  return {ServerOptionTable(),
          LogOptionTable(),
          net::ServerOptions(),
          net::Client::ClientOptions(),
          store::Journal::JournalOptionTable(),
          store::ResponseStore::ResponseOptionTable(),
          store::FileStore::FileOptionTable(),
          observe::TraceStore::TraceOptionTable(),
          observe::OtlpExporter::OtlpOptionTable(),
          provider::LocalModelOptions(),
          provider::ProviderOptions(),
          gateway::ResilienceOptionTable(),
          knowledge::KnowledgeBaseOptionTable(),
          knowledge::SourceOptionTable(),
          knowledge::ParseOptionTable(),
          knowledge::ChunkOptionTable(),
          knowledge::AnswerOptionTable()};
}

const std::string& Config::PlaceOf(std::string_view key) const {
  auto at = places.find(key);
  return at == places.end() ? file : at->second;
}

Result<Config> ReadConfig(std::string_view yaml, const std::string& file,
                          const Overrides& overrides, Findings& findings) {
  if (yaml.size() > kFileBytesMax) {
    return Fail(Code::kTooLarge, fmt::format("{} is larger than {} bytes", file, kFileBytesMax));
  }
  STRATA_CHECK_OK(CheckUtf8(yaml, file));
  STRATA_TRY(auto top, LoadYaml(yaml, file));
  auto tables = AllOptionTables();
  Reader reader(file, tables, findings);
  try {
    reader.ReadTop(top);
  } catch (const std::exception& e) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: {}", file, e.what()));
  }
  for (const auto& [name, value] : overrides) reader.given[name] = {value, "command line"};
  STRATA_TRY(auto options, BuildOptions(tables, reader.given, findings));
  for (const auto& [name, value] : reader.given) reader.places.emplace(name, value.place);
  Config config{.options = std::move(options),
                .providers = std::move(reader.providers),
                .aliases = std::move(reader.aliases),
                .models = std::move(reader.models),
                .guardrails = std::move(reader.guardrails),
                .hooks = std::move(reader.hooks),
                .file = file,
                .places = std::move(reader.places)};
  // What no table can say.
  auto settings = SettingsFrom(config.options);
  if (!settings.has_value()) {
    findings.Problem(config.PlaceOf(settings.error().field()), settings.error().message());
  }
  return config;
}

Result<Config> ParseConfig(std::string_view yaml, const std::string& file,
                           const Overrides& overrides) {
  Findings findings;
  STRATA_TRY(auto config, ReadConfig(yaml, file, overrides, findings));
  STRATA_CHECK_OK(findings.Verdict());
  return config;
}

Result<std::string> ReadConfigFile(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(path, ignored)) {
    return Fail(NotFound("configuration file", path));
  }
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<Config> LoadConfig(const std::string& path, const Overrides& overrides) {
  STRATA_TRY(auto text, ReadConfigFile(path));
  return ParseConfig(text, path.empty() ? kDefaultsName : path, overrides);
}

std::string OptionsAsMarkdown() {
  static constexpr std::string_view kKinds[] = {"whole number", "number", "text", "true/false",
                                                "list"};
  std::string out =
      "# Options\n\nGenerated by `strata check --options-as-markdown` from the tables in the code. "
      "Options are written "
      "nested or dotted in one YAML file (`strata serve --config FILE`); unknown names are "
      "refused.\n\n"
      "Beside them the file may hold `providers` and `models` (lists) and `aliases` (a mapping): "
      "see docs/providers.md and docs/resilience.md; `guardrails` (docs/guardrails.md) and `hooks` "
      "(docs/routers.md), which are lists, too.\n";
  std::string group;
  for (auto table : AllOptionTables()) {
    for (const auto& option : table) {
      auto prefix = std::string(option.name.substr(0, option.name.find('.')));
      if (prefix != group) {
        group = prefix;
        out += fmt::format(
            "\n## {}\n\n| option | kind | unit | default | range | what it does "
            "|\n|---|---|---|---|---|---|\n",
            group);
      }
      auto cell = [](std::string_view text) {
        std::string escaped;
        for (char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
        return escaped;
      };
      out += fmt::format(
          "| `{}` | {} | {} | {} | {} | {} |\n", option.name, kKinds[static_cast<int>(option.kind)],
          option.unit,
          option.default_value.empty() ? "" : fmt::format("`{}`", cell(option.default_value)),
          cell(option.range), cell(option.text));
    }
  }
  return out;
}

}  // namespace strata::server

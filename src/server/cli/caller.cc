#include "server/cli/caller.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "base/rng.h"
#include "dialect/json_value.h"
#include "net/client.h"
#include "net/runtime.h"
#include "server/app.h"
#include "server/config_check.h"
#include "server/folder_lock.h"
#include "store/data_dir.h"

namespace strata::server {
namespace {

constexpr std::size_t kErrorBytesMax = 1 << 20;

Code CodeNamed(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    if (CodeName(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return Code::kInternal;
}

// {"error": {"code", "message"}} as the Error that it was.
Error ErrorOf(std::string_view body, int status) {
  auto parsed = dialect::ParseJson(body);
  if (parsed.has_value()) {
    dialect::JsonField top(*parsed);
    auto error = top.Get("error");
    auto code = error.Get("code");
    auto message = error.Get("message");
    if (message.present() && message.value().string()) {
      return Error(code.present() && code.value().string() ? CodeNamed(*code.value().string())
                                                           : Code::kInternal,
                   *message.value().string());
    }
  }
  return Internal(fmt::format("the server answered {}", status));
}

// Cuts what arrives into lines and watches for the error line.
class LineCutter {
 public:
  explicit LineCutter(const Caller::LineHandler& on_line) : on_line_(on_line) {}

  void Feed(std::string_view bytes) {
    buffer_ += bytes;
    std::size_t start = 0;
    for (auto end = buffer_.find('\n'); end != buffer_.npos; end = buffer_.find('\n', start)) {
      Take(std::string_view(buffer_).substr(start, end - start));
      start = end + 1;
    }
    buffer_.erase(0, start);
  }

  Result<> End() {
    if (!buffer_.empty()) Take(buffer_);
    buffer_.clear();
    if (error_) return std::unexpected(std::move(*error_));
    return {};
  }

 private:
  void Take(std::string_view line) {
    if (line.starts_with("{\"error\":")) {
      error_ = ErrorOf(line, 0);
    } else {
      on_line_(line);
    }
  }

  const Caller::LineHandler& on_line_;
  std::string buffer_;
  std::optional<Error> error_;
};

// Whether somebody listens at a server's address: one that was killed holds its folder for a while
// after its port is closed. Used by one thread.
class Probe {
 public:
  explicit Probe(const Options& options) : client_(net::Client::Create(options)) {}

  bool Answers(const store::ServerAddress& server) {
    auto sent = runtime_.Run(Ask(server.url + "/healthz"));
    return sent.has_value() || sent.error().code() != Code::kUnavailable;
  }

 private:
  Task<Result<>> Ask(std::string url) {
    constexpr std::chrono::seconds kPatience{5};  // longer: it is there, and busy
    net::ClientRequest request;
    request.method = "GET";
    request.url = std::move(url);
    request.allow_private_addresses = true;
    request.deadline = std::chrono::steady_clock::now() + kPatience;
    STRATA_CO_TRY(auto response, co_await client_->Send(std::move(request)));
    co_return Result<>();
  }

  net::Runtime runtime_;
  const std::shared_ptr<net::Client> client_;
};

// A server that runs.
class RemoteCaller final : public Caller {
 public:
  RemoteCaller(store::ServerAddress server, std::shared_ptr<net::Client> client)
      : server_(std::move(server)), client_(std::move(client)) {}

  std::unique_ptr<Caller> Beside() const override {
    return std::make_unique<RemoteCaller>(server_, client_);
  }
  bool served() const override { return true; }

  Result<> Stream(std::string_view method, std::string_view target, std::string body,
                  const LineHandler& on_line) override {
    return runtime_.Run(
        Exchange(std::string(method), std::string(target), std::move(body), on_line));
  }

 private:
  Task<Result<>> Exchange(std::string method, std::string target, std::string body,
                          const LineHandler& on_line) {
    net::ClientRequest request;
    request.method = std::move(method);
    request.url = server_.url + target;
    request.headers.Set("authorization", "Bearer " + server_.control);
    request.headers.Set("content-type", "application/json");
    request.body = std::move(body);
    request.allow_private_addresses = true;
    auto sent = co_await client_->Send(std::move(request));
    if (!sent.has_value()) co_return Fail(Lost(std::move(sent.error())));
    auto response = std::move(*sent);
    if (response->status() >= 300) {
      STRATA_CO_TRY(auto text, co_await response->ReadAll(kErrorBytesMax));
      co_return Fail(ErrorOf(text, response->status()));
    }
    LineCutter cutter(on_line);
    while (true) {
      auto bytes = co_await response->Read();
      if (!bytes.has_value()) co_return Fail(Lost(std::move(bytes.error())));
      if (bytes->empty()) break;
      cutter.Feed(*bytes);
    }
    co_return cutter.End();
  }

  // For who typed a command the other side is the server, not an upstream.
  Error Lost(Error error) const {
    if (error.code() != Code::kUnavailable) return error;
    return Error(Code::kUnavailable,
                 fmt::format("the server (process {}) ended before it had answered in full ({})",
                             server_.pid, error.message()));
  }

  const store::ServerAddress server_;
  net::Runtime runtime_;
  const std::shared_ptr<net::Client> client_;
};

// Takes an answer in memory.
class LineWriter final : public net::ResponseWriter {
 public:
  explicit LineWriter(const Caller::LineHandler& on_line) : cutter_(on_line) {}

  Task<Result<>> Send(int status, net::Headers, std::string body) override {
    started_ = true;
    if (status >= 300) {
      error_ = ErrorOf(body, status);
    } else {
      cutter_.Feed(body);
    }
    co_return Result<>{};
  }
  Task<Result<>> Start(int, net::Headers) override {
    started_ = true;
    co_return Result<>{};
  }
  Task<Result<>> Write(std::string_view bytes) override {
    cutter_.Feed(bytes);
    co_return Result<>{};
  }
  Task<Result<>> Finish() override { co_return Result<>{}; }
  void Abort() override { error_ = Internal("the answer broke off"); }
  bool started() const override { return started_; }

  Result<> End() {
    if (error_) return std::unexpected(std::move(*error_));
    return cutter_.End();
  }

 private:
  LineCutter cutter_;
  std::optional<Error> error_;
  bool started_ = false;
};

// A data folder that the command itself makes: it goes again unless something was done in it, so
// that a mistyped command leaves nothing behind.
class FreshFolder {
 public:
  explicit FreshFolder(const std::string& path) {
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown) && !unknown) path_ = path;
  }
  ~FreshFolder() {
    if (path_.empty() || kept_ || !store::DataDir::Exists(path_)) return;
    auto held = store::DataDir::Open(path_);
    std::error_code ignored;
    if (held.has_value()) std::filesystem::remove_all(path_, ignored);
  }
  FreshFolder(const FreshFolder&) = delete;
  FreshFolder& operator=(const FreshFolder&) = delete;

  void Keep() { kept_ = true; }

 private:
  std::string path_;  // "" for a folder that was there
  std::atomic<bool> kept_ = false;
};

// A folder that nobody holds: opened for the time of the command.
class LocalCaller final : public Caller {
 public:
  LocalCaller(std::shared_ptr<FreshFolder> folder, std::shared_ptr<App> app, std::string bearer)
      : folder_(std::move(folder)), bearer_(std::move(bearer)), app_(std::move(app)) {}

  static std::unique_ptr<Caller> Make(std::shared_ptr<FreshFolder> folder,
                                      std::unique_ptr<App> app) {
    auto bearer = "control-" + SecureRandomHex(32);
    app->SetControlBearer(bearer);
    return std::make_unique<LocalCaller>(std::move(folder), std::move(app), std::move(bearer));
  }

  std::unique_ptr<Caller> Beside() const override {
    return std::make_unique<LocalCaller>(folder_, app_, bearer_);
  }
  bool served() const override { return false; }

  Result<> Stream(std::string_view method, std::string_view target, std::string body,
                  const LineHandler& on_line) override {
    net::HttpRequest request;
    request.method = method;
    request.target = target;
    request.headers.Set("authorization", "Bearer " + bearer_);
    request.body = std::move(body);
    LineWriter writer(on_line);
    runtime_.Run(app_->Handle(request, writer, {}));
    auto done = writer.End();
    if (done.has_value()) folder_->Keep();
    return done;
  }

 private:
  const std::shared_ptr<FreshFolder> folder_;  // outlives the app, which writes into it
  const std::string bearer_;
  net::Runtime runtime_;
  const std::shared_ptr<App> app_;
};

}  // namespace

std::string DefaultDataFolder() {
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (auto data = variable("STRATA_DATA"); !data.empty()) return data;
  if (auto xdg = variable("XDG_DATA_HOME"); !xdg.empty()) return xdg + "/strata";
  auto home = variable("HOME");
  return home.empty() ? "/var/lib/strata" : home + "/.local/share/strata";
}

Result<> RequireDataFolder(const std::string& path) {
  if (store::DataDir::Exists(path)) return {};
  return Fail(Code::kNotFound,
              fmt::format("there is no data folder at '{}': is --data (or STRATA_DATA) right? "
                          "strata serve --data '{}' makes one",
                          path, path));
}

Result<> RequireServer(const std::string& path) {
  STRATA_CHECK_OK(RequireDataFolder(path));
  STRATA_TRY(auto running, store::DataDir::FindServer(path));
  STRATA_TRY(auto config, LoadConfig({}, {{"log.requests", "none"}, {"log.level", "error"}}));
  // A server that was killed leaves its address behind, and another command may have the folder.
  if (running && Probe(config.options).Answers(*running)) return {};
  return Fail(Code::kNotFound,
              fmt::format("no server holds the data folder '{0}', and this command is about a "
                          "running one; strata --data '{0}' serve starts it",
                          path));
}

Result<std::unique_ptr<Caller>> Caller::Open(const CallerFlags& flags, DataFolder folder) {
  const auto& path = flags.data_folder;
  if (folder == DataFolder::kMustExist) STRATA_CHECK_OK(RequireDataFolder(path));
  // What a command says of itself is its output; a server's log lines would stand between.
  Overrides quiet = {{"log.requests", "none"}, {"log.level", "error"}};
  auto remote = [&](store::ServerAddress server) -> Result<std::unique_ptr<Caller>> {
    STRATA_TRY(auto config, LoadConfig(flags.config_file, quiet));
    return std::make_unique<RemoteCaller>(std::move(server), net::Client::Create(config.options));
  };
  STRATA_TRY(auto probe_config, LoadConfig({}, quiet));
  Probe probe(probe_config.options);
  auto serving = [&]() -> Result<std::optional<store::ServerAddress>> {
    STRATA_TRY(auto server, store::DataDir::FindServer(path));
    if (server && !probe.Answers(*server)) server.reset();
    return server;
  };
  STRATA_TRY(auto server, serving());
  if (server) return remote(std::move(*server));
  STRATA_TRY(auto config, LoadUsableConfig(flags.config_file, quiet, path));
  auto fresh = std::make_shared<FreshFolder>(path);
  auto waiting = [&](const Error& error) {
    fresh->Keep();  // somebody else has it, so it is not ours alone
    fmt::print(stderr, "waiting: {}\n", error.message());
  };
  auto found = [&] {
    auto now = serving();
    if (now.has_value()) server = std::move(*now);
    return server.has_value();
  };
  auto taken = TakeFolder(path, waiting, found);
  if (server) return remote(std::move(*server));
  if (!taken.has_value()) return Fail(std::move(taken.error()));
  STRATA_TRY(auto app, App::Open(std::move(config), std::move(*taken)));
  STRATA_CHECK_OK(app->StartJobs());
  return LocalCaller::Make(std::move(fresh), std::move(app));
}

Result<std::string> Caller::Call(std::string_view method, std::string_view target,
                                 std::string body) {
  std::string text;
  STRATA_CHECK_OK(Stream(method, target, std::move(body), [&](std::string_view line) {
    if (!text.empty()) text += '\n';
    text += line;
  }));
  return text;
}

}  // namespace strata::server

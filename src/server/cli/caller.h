#pragma once
// How a command reaches a data folder: through the server that holds it, or by opening it when none
// runs. Either way the same routes answer, so a command has one code path.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::server {

struct CallerFlags {
  std::string data_folder;  // --data
  std::string config_file;  // --config; used only when no server runs
};

// Where data lies when --data is not given: STRATA_DATA, else XDG_DATA_HOME/strata, else
// ~/.local/share/strata.
std::string DefaultDataFolder();

// kNotFound when there is no data folder at `path`.
Result<> RequireDataFolder(const std::string& path);

// kNotFound when no server holds the data folder: for commands that are about a running one.
Result<> RequireServer(const std::string& path);

// Whether a command may make the data folder. One that only reads must not: a mistyped --data would
// answer as if nothing were there.
enum class DataFolder : std::uint8_t { kMustExist, kMayBeMade };

// Used by one thread. Blocks.
class Caller {
 public:
  // kNotFound with the path when there is no data folder; kConflict when another process holds it
  // and does not serve (after a wait of some seconds).
  static Result<std::unique_ptr<Caller>> Open(const CallerFlags& flags,
                                              DataFolder folder = DataFolder::kMustExist);
  virtual ~Caller() = default;

  // Another way to the same data, for another thread while this one waits.
  virtual std::unique_ptr<Caller> Beside() const = 0;
  // Whether what was begun goes on when this process ends: in a server.
  virtual bool served() const = 0;

  // The body of a 2xx answer. An error answer becomes its Error again.
  Result<std::string> Call(std::string_view method, std::string_view target, std::string body = {});

  // The same, given line by line as it arrives. A line {"error": …} ends it with that error.
  using LineHandler = std::function<void(std::string_view line)>;
  virtual Result<> Stream(std::string_view method, std::string_view target, std::string body,
                          const LineHandler& on_line) = 0;
};

}  // namespace strata::server

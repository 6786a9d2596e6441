#include "store/data_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <charconv>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "base/json_text.h"
#include "store/file.h"

namespace strata::store {
namespace {

constexpr std::uint64_t kServerFileMax = 16 << 10;
constexpr std::string_view kFolders[] = {"journal", "models", "secrets", "tls", "run"};

std::string LockPath(const std::string& folder) { return folder + "/run/lock"; }
std::string ServerPath(const std::string& folder) { return folder + "/run/server.json"; }

// An open-file-description lock: unlike flock it can be asked about without being taken.
struct ::flock WholeFile(short type) {
  struct ::flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// true: somebody holds the folder's lock now.
bool IsLocked(const std::string& folder) {
  FileHandle file(::open(LockPath(folder).c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) return false;
  auto lock = WholeFile(F_WRLCK);
  if (::fcntl(file.get(), F_OFD_GETLK, &lock) != 0) return false;
  return lock.l_type != F_UNLCK;
}

Result<ServerAddress> ParseServer(const std::string& text) {
  boost::system::error_code code;
  auto json = boost::json::parse(text, code);
  if (code || !json.is_object()) return Fail(Code::kCorruption, "run/server.json is not JSON");
  const auto& object = json.get_object();
  ServerAddress address;
  auto read = [&](const char* name, std::string& out) {
    const auto* member = object.if_contains(name);
    if (member != nullptr && member->is_string()) out = std::string(member->get_string());
  };
  read("url", address.url);
  read("control", address.control);
  if (const auto* pid = object.if_contains("pid"); pid != nullptr && pid->is_int64()) {
    address.pid = pid->get_int64();
  }
  if (address.url.empty()) return Fail(Code::kCorruption, "run/server.json names no url");
  return address;
}

Error HeldBy(const std::string& path) {
  auto pid = ReadWholeFile(LockPath(path), 64);
  auto who = pid.has_value() && !pid->empty() ? "process " + *pid : std::string("another process");
  auto server = DataDir::FindServer(path);
  auto serving = server.has_value() && server->has_value()
                     ? fmt::format(", which serves {}", (*server)->url)
                     : std::string(" (another command, or a server that starts or stops)");
  return Error(Code::kConflict,
               fmt::format("the data folder {} is held by {}{}", path, who, serving));
}

bool IsFile(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// Whether it is the meta.db of some strata. Leaves nothing beside it, as opening it otherwise may.
bool IsMetaDatabase(const std::string& path) {
  if (!IsFile(path)) return false;
  const auto uri = "file:" + PercentEncode(path) + "?immutable=1";
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(uri.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, sqlite3_close_v2);
  return code == SQLITE_OK &&
         sqlite3_exec(raw, "SELECT 1 FROM strata_schema", nullptr, nullptr, nullptr) == SQLITE_OK;
}

// What a start that was cut short leaves: nothing but some of our folders, with nothing in them. A
// folder of a new disk counts as empty.
bool IsEmptyOrHalfMade(const std::string& path, const std::vector<std::string>& names) {
  return std::ranges::all_of(names, [&](const auto& name) {
    if (name == "lost+found") return true;
    if (std::ranges::find(kFolders, name) == std::end(kFolders)) return false;
    const auto inside = ListFolder(path + "/" + name);
    return inside.has_value() && inside->empty();
  });
}

// A folder of somebody else's must not become ours: its mode would be narrowed, and files put into
// it. `path` may not exist.
Result<> RefuseForeign(const std::string& path) {
  if (DataDir::Exists(path)) return {};
  auto names = ListFolder(path);
  if (!names.has_value()) return {};  // what is wrong with it shows when it is made
  if (IsEmptyOrHalfMade(path, *names)) return {};
  return Fail(Code::kConflict,
              fmt::format("{} holds other things and is no data folder of strata; expected a "
                          "folder of its own, which is made when it is missing",
                          path));
}

// The folder's lock file, open and locked.
Result<FileHandle> TakeLock(const std::string& path) {
  const auto lock_path = LockPath(path);
  FileHandle file(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(SystemError(errno, "opening", lock_path));
  auto lock = WholeFile(F_WRLCK);
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return Fail(HeldBy(path));
    return Fail(SystemError(errno, "locking", lock_path));
  }
  if (::ftruncate(file.get(), 0) != 0) return Fail(SystemError(errno, "writing", lock_path));
  STRATA_CHECK_OK(WriteAll(file.get(), std::to_string(::getpid()), lock_path));
  return file;
}

}  // namespace

Result<DataDir> DataDir::Open(const std::string& path) {
  if (path.empty()) return Fail(InvalidArgument("data", "the data folder has no name"));
  STRATA_CHECK_OK(RefuseForeign(path));
  STRATA_CHECK_OK(MakeFolder(path));
  STRATA_CHECK_OK(MakeFolder(path + "/run"));
  STRATA_TRY(auto file, TakeLock(path));
  if (::chmod(path.c_str(), 0700) != 0) return Fail(SystemError(errno, "setting mode of", path));
  for (const auto name : kFolders) STRATA_CHECK_OK(MakeFolder(path + "/" + std::string(name)));
  STRATA_CHECK_OK(RemoveFile(ServerPath(path)));  // of a process that died
  return DataDir(path, file.release());
}

bool DataDir::Exists(const std::string& path) {
  return IsFile(LockPath(path)) || IsMetaDatabase(path + "/meta.db");  // one restored has no lock
}

DataDir::~DataDir() {
  if (lock_fd_ < 0) return;
  UnpublishServer();
  ::close(lock_fd_);
}

void DataDir::UnpublishServer() {
  if (std::exchange(published_, false)) ::unlink(ServerPath(path_).c_str());
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      published_(std::exchange(other.published_, false)) {}

DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(published_, other.published_);
  return *this;
}

Result<std::optional<ServerAddress>> DataDir::FindServer(const std::string& path) {
  if (!IsLocked(path)) return std::optional<ServerAddress>();
  auto text = ReadWholeFile(ServerPath(path), kServerFileMax);
  if (!text.has_value()) {
    if (text.error().code() == Code::kNotFound) return std::optional<ServerAddress>();
    return Fail(std::move(text.error()));
  }
  STRATA_TRY(auto address, ParseServer(*text));
  return std::optional<ServerAddress>(std::move(address));
}

Result<> DataDir::PublishServer(const ServerAddress& address) {
  auto json = fmt::format("{{\"pid\":{},\"url\":{},\"control\":{}}}\n", address.pid,
                          JsonString(address.url), JsonString(address.control));
  STRATA_CHECK_OK(WriteFileAtomic(ServerPath(path_), json));
  published_ = true;
  return {};
}

std::string DataDir::kb_db(std::string_view kb_id) const {
  return fmt::format("{}/kb-{}.db", path_, kb_id);
}
std::string DataDir::traces_db(std::string_view day) const {
  return fmt::format("{}/traces-{}.db", path_, day);
}

}  // namespace strata::store

#include "server/cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/rng.h"
#include "server/cli/corpus_commands.h"
#include "store/file.h"

namespace strata::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1 << 16;

// The open descriptor that a name stands for. Opened by name, /dev/stdout would begin the file
// behind it anew, and in another process it is another file.
std::optional<int> DescriptorOf(std::string_view name) {
  if (name == "/dev/stdin") return STDIN_FILENO;
  if (name == "/dev/stdout") return STDOUT_FILENO;
  if (name == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!name.starts_with(folder)) continue;
    int number = -1;
    const auto* end = name.data() + name.size();
    const auto [at, error] = std::from_chars(name.data() + folder.size(), end, number);
    if (error == std::errc() && at == end && number >= 0) return number;
  }
  return std::nullopt;
}

// What a name leads to: the last name of a chain of symbolic links, whether it is there or not.
std::string Target(std::string name) {
  constexpr int kLinksMax = 40;
  std::error_code error;
  for (int i = 0; i < kLinksMax && !DescriptorOf(name); ++i) {
    if (!fs::is_symlink(fs::symlink_status(name, error))) break;
    const auto to = fs::read_symlink(name, error);
    if (error) break;
    name = to.is_absolute() ? to.string() : (fs::path(name).parent_path() / to).string();
  }
  return name;
}

// Something that cannot be replaced by a file, nor opened by another process.
bool IsSpecial(const std::string& target) {
  if (DescriptorOf(target)) return true;
  std::error_code error;
  const auto status = fs::status(target, error);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

// A name for a file that a server can open too.
std::string Temporary(const CallerFlags& flags) {
  std::error_code error;
  const bool kept = fs::is_directory(flags.data_folder, error);
  const auto folder = kept ? fs::path(flags.data_folder) : fs::temp_directory_path();
  return AbsolutePath((folder / ("strata-" + SecureRandomHex(8) + ".spool")).string());
}

Result<store::FileHandle> OpenSpecial(const std::string& target, int flags) {
  const auto descriptor = DescriptorOf(target);
  store::FileHandle file(descriptor ? ::dup(*descriptor)
                                    : ::open(target.c_str(), flags | O_CLOEXEC));
  if (!file.valid()) return Fail(store::SystemError(errno, "opening", target));
  return file;
}

Result<> Copy(int from, int to, const std::string& named) {
  std::string piece(kPiece, '\0');
  for (;;) {
    const auto got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(store::SystemError(errno, "reading", named));
    if (got == 0) return {};
    STRATA_CHECK_OK(store::WriteAll(
        to, std::string_view(piece).substr(0, static_cast<std::size_t>(got)), named));
  }
}

// Its own bytes are for its owner alone; root's are for the server that the folder belongs to.
Result<> Spool(const std::string& target, const std::string& path) {
  STRATA_TRY(auto from, OpenSpecial(target, O_RDONLY));
  store::FileHandle to(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to.valid()) return Fail(store::SystemError(errno, "creating", path));
  struct stat folder{};
  if (::geteuid() == 0 && ::stat(fs::path(path).parent_path().c_str(), &folder) == 0) {
    [[maybe_unused]] const int given = ::fchown(to.get(), folder.st_uid, folder.st_gid);
  }
  return Copy(from.get(), to.get(), target);
}

void Remove(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

Result<InputFile> InputFile::Open(const std::string& named, const CallerFlags& flags) {
  const auto target = Target(named);
  if (!IsSpecial(target)) return InputFile(named, AbsolutePath(named), false);
  InputFile file(named, Temporary(flags), true);
  STRATA_CHECK_OK(Spool(target, file.path_));
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : named_(std::move(other.named_)),
      path_(std::move(other.path_)),
      spooled_(std::exchange(other.spooled_, false)) {}

InputFile::~InputFile() {
  if (spooled_) Remove(path_);
}

std::string InputFile::InCallersWords(std::string text) const {
  if (auto at = text.find(path_); at != text.npos) text.replace(at, path_.size(), named_);
  return text;
}

Error InputFile::InCallersWords(const Error& error) const {
  return Error(error.code(), InCallersWords(error.message())).AtField(error.field());
}

OutputFile::OutputFile(const std::string& named, const CallerFlags& flags)
    : named_(Target(named)), spooled_(IsSpecial(named_)) {
  path_ = spooled_ ? Temporary(flags) : AbsolutePath(named_);
}

OutputFile::~OutputFile() {
  if (spooled_) Remove(path_);
}

Result<> OutputFile::Finish() const {
  if (!spooled_) return {};
  std::fflush(stdout);
  store::FileHandle from(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from.valid()) return Fail(store::SystemError(errno, "opening", path_));
  STRATA_TRY(auto to, OpenSpecial(named_, O_WRONLY));
  return Copy(from.get(), to.get(), named_);
}

Result<> WriteOutput(const std::string& named, std::string_view text) {
  const auto target = Target(named);
  if (!IsSpecial(target)) return store::WriteFileAtomic(AbsolutePath(target), text);
  std::fflush(stdout);
  STRATA_TRY(auto to, OpenSpecial(target, O_WRONLY));
  return store::WriteAll(to.get(), text, named);
}

std::FILE* NotesBeside(const std::string& named) {
  return DescriptorOf(Target(named)) == STDOUT_FILENO ? stderr : stdout;
}

}  // namespace strata::server

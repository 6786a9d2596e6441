#include "store/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/json_text.h"
#include "base/rng.h"
#include "store/file.h"
#include "store/hasher.h"
#include "store/sqlite.h"
#include "store/tar.h"

namespace strata::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 1 << 20;
constexpr std::uint64_t kManifestMax = 256 << 20;
constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kMeta = "meta.db";

// What stays behind; everything else in a data folder is copied, so that nothing is forgotten that
// comes to it later.
bool IsLeftOut(std::string_view name) {
  return name == "run"                                        // who holds the folder now
         || name == "journal"                                 // the ledger has it
         || name.starts_with("kb-")                           // made again, but for kb-ID.db, which
                                                              // is copied with meta.db
         || name.ends_with("-wal") || name.ends_with("-shm")  // the databases' copies have it
         || name.ends_with(".tmp")                            // a file that is being written
         || name == "lost+found";
}

using Piece = std::function<Result<>(std::string_view)>;

// Up to `bytes_max` bytes of `fd`, in pieces; returns how many there were.
Result<std::uint64_t> ReadPieces(int fd, std::uint64_t bytes_max, const std::string& path,
                                 const Piece& take) {
  std::string buffer(kPiece, '\0');
  std::uint64_t total = 0;
  while (total < bytes_max) {
    auto want = std::min<std::uint64_t>(buffer.size(), bytes_max - total);
    auto got = ::read(fd, buffer.data(), want);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(SystemError(errno, "reading", path));
    if (got == 0) break;
    STRATA_CHECK_OK(take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got))));
    total += static_cast<std::uint64_t>(got);
  }
  return total;
}

struct Summed {
  std::uint64_t bytes = 0;
  std::string sha256;
};

Result<FileHandle> OpenForRead(const std::string& path) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return Fail(SystemError(errno, "opening", path));
  return file;
}

Result<FileHandle> CreateFile(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash != path.npos && slash > 0) STRATA_CHECK_OK(MakeFolder(path.substr(0, slash)));
  FileHandle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(SystemError(errno, "creating", path));
  return file;
}

Result<> SyncFile(const FileHandle& file, const std::string& path) {
  if (::fsync(file.get()) != 0) return Fail(SystemError(errno, "syncing", path));
  return {};
}

// ---- where a backup goes

class Target {
 public:
  virtual ~Target() = default;
  virtual Result<Summed> Add(const std::string& name, const std::string& source) = 0;
  virtual Result<> Finish() = 0;
};

class FolderTarget final : public Target {
 public:
  explicit FolderTarget(std::string folder) : folder_(std::move(folder)) {}

  Result<Summed> Add(const std::string& name, const std::string& source) override {
    auto path = folder_ + "/" + name;
    STRATA_TRY(auto in, OpenForRead(source));
    STRATA_TRY(auto out, CreateFile(path));
    Hasher hasher;
    STRATA_TRY(auto bytes, ReadPieces(in.get(), ~std::uint64_t{0}, source, [&](auto piece) {
                 hasher.Add(piece);
                 return WriteAll(out.get(), piece, path);
               }));
    STRATA_CHECK_OK(SyncFile(out, path));
    return Summed{bytes, hasher.Hex()};
  }
  Result<> Finish() override { return SyncFolder(folder_); }

 private:
  std::string folder_;
};

class TarTarget final : public Target {
 public:
  static Result<std::unique_ptr<TarTarget>> Create(const std::string& path) {
    STRATA_TRY(auto file, CreateFile(path));
    return std::unique_ptr<TarTarget>(new TarTarget(path, std::move(file)));
  }

  Result<Summed> Add(const std::string& name, const std::string& source) override {
    STRATA_TRY(auto in, OpenForRead(source));
    struct stat info{};
    if (::fstat(in.get(), &info) != 0) return Fail(SystemError(errno, "reading", source));
    auto bytes = static_cast<std::uint64_t>(info.st_size);
    STRATA_TRY(auto header, TarHeader({name, bytes}));
    STRATA_CHECK_OK(WriteAll(file_.get(), header, path_));
    Hasher hasher;
    STRATA_TRY(auto got, ReadPieces(in.get(), bytes, source, [&](auto piece) {
                 hasher.Add(piece);
                 return WriteAll(file_.get(), piece, path_);
               }));
    if (got != bytes) return Fail(Code::kConflict, source + " became shorter while it was read");
    STRATA_CHECK_OK(WriteAll(file_.get(), std::string(TarPadding(bytes), '\0'), path_));
    return Summed{bytes, hasher.Hex()};
  }
  Result<> Finish() override {
    STRATA_CHECK_OK(WriteAll(file_.get(), std::string(2 * kTarBlock, '\0'), path_));
    return SyncFile(file_, path_);
  }

 private:
  TarTarget(std::string path, FileHandle file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  FileHandle file_;
};

// ---- backup

std::string ManifestJson(const std::map<std::string, Summed>& files) {
  std::string json = "{\"format\":1,\"files\":{";
  for (const auto& [name, sum] : files) {
    if (json.back() != '{') json += ',';
    AppendJsonString(json, name);
    json += fmt::format(":{{\"bytes\":{},\"sha256\":\"{}\"}}", sum.bytes, sum.sha256);
  }
  return json + "}}\n";
}

bool IsThere(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

class BackupRun {
 public:
  BackupRun(std::string data, std::string scratch, Target& target, const FilesOfMeta& meta)
      : data_(std::move(data)), scratch_(std::move(scratch)), target_(target), meta_(meta) {}

  Result<BackupReport> Go() {
    STRATA_CHECK_OK(AddMetaAndItsFiles());
    STRATA_TRY(auto names, ListFolder(data_));
    // Behind meta.db: the secrets that it holds are sealed with master keys that the files have.
    for (const auto& name : names) {
      if (!IsLeftOut(name) && name != kMeta) STRATA_CHECK_OK(AddOther(name));
    }
    auto manifest = scratch_ + "/" + std::string(kManifest);
    STRATA_CHECK_OK(WriteFileAtomic(manifest, ManifestJson(files_)));
    STRATA_TRY([[maybe_unused]] auto sum, target_.Add(std::string(kManifest), manifest));
    STRATA_CHECK_OK(target_.Finish());
    return report_;
  }

 private:
  // The copy of meta.db comes first: what it needs then is copied later than it, and what was
  // deleted since then it is made to forget. What was made since then is not in it.
  Result<> AddMetaAndItsFiles() {
    const std::string name(kMeta);
    const auto copy = scratch_ + "/" + name;
    STRATA_TRY(const bool copied, Copy(name));
    if (!copied) return {};
    {
      STRATA_TRY(auto meta, Database::Open(copy));
      STRATA_TRY(const auto needed, meta_.needed(*meta));
      for (const auto& file : needed) {
        STRATA_TRY(const bool added, AddDatabase(file));
        if (!added) STRATA_CHECK_OK(Forget(file, *meta));
      }
      STRATA_CHECK_OK(MakePlain(*meta));
    }
    return AddCopy(name);
  }

  Result<> Forget(const std::string& file, Database& copy) {
    STRATA_TRY(auto live, OpenLive(std::string(kMeta)));
    STRATA_TRY(const auto needed, meta_.needed(*live));
    if (std::ranges::find(needed, file) == needed.end()) {
      STRATA_CHECK_OK(RemoveRests(file));
      return meta_.forget(copy, file);
    }
    return Fail(Code::kCorruption,
                fmt::format("{} is missing from {}: put it back or delete what it belongs to, then "
                            "back up again",
                            file, data_));
  }

  Result<> AddOther(const std::string& name) {
    const auto path = data_ + "/" + name;
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return AddFolder(name);
    if (name.ends_with(".db")) {
      STRATA_TRY(const bool added, AddDatabase(name));  // old traces may go meanwhile
      return added ? Result<>() : RemoveRests(name);
    }
    return AddFile(name);
  }

  Result<std::unique_ptr<Database>> OpenLive(const std::string& name) {
    return Database::Open(data_ + "/" + name, {.mode = OpenMode::kReadOnly});
  }

  // One plain file, without a -wal beside it.
  static Result<> MakePlain(Database& copy) { return copy.Execute("PRAGMA journal_mode = DELETE"); }

  // Into the scratch folder, checked. false: it was deleted before it was copied.
  Result<bool> Copy(const std::string& name) {
    const auto source = data_ + "/" + name;
    const auto copy = scratch_ + "/" + name;
    auto copied = [&]() -> Result<> {
      STRATA_TRY(auto live, OpenLive(name));
      STRATA_CHECK_OK(live->BackupTo(copy));
      STRATA_TRY(auto check, Database::Open(copy));
      STRATA_CHECK_OK(MakePlain(*check));
      return check->Check();
    }();
    // What is read of a database while it is deleted may lack its log.
    if (!IsThere(source)) {
      STRATA_CHECK_OK(RemoveFile(copy));
      return false;
    }
    if (!copied.has_value()) return Fail(std::move(copied.error()).Because("copying " + name));
    return true;
  }

  // A reader that comes upon a deletion makes these anew.
  Result<> RemoveRests(const std::string& name) {
    for (const char* end : {"-wal", "-shm"}) {
      STRATA_CHECK_OK(RemoveFile(data_ + "/" + name + end));
    }
    return {};
  }

  Result<> AddCopy(const std::string& name) {
    const auto copy = scratch_ + "/" + name;
    STRATA_CHECK_OK(Add(name, copy));
    ++report_.databases;
    return RemoveFile(copy);
  }

  Result<bool> AddDatabase(const std::string& name) {
    STRATA_TRY(const bool copied, Copy(name));
    if (copied) STRATA_CHECK_OK(AddCopy(name));
    return copied;
  }

  // One that is removed between the listing and the copy is left out, as are links.
  Result<> AddFile(const std::string& name) {
    const auto path = data_ + "/" + name;
    std::error_code ignored;
    const auto kind = fs::symlink_status(path, ignored).type();
    if (kind != fs::file_type::regular || name.ends_with(".tmp")) return {};
    auto added = Add(name, path);
    if (!added.has_value() && added.error().code() != Code::kNotFound) return added;
    return {};
  }

  Result<> AddFolder(const std::string& folder) {
    std::error_code code;
    fs::recursive_directory_iterator it(data_ + "/" + folder, code), end;
    for (; !code && it != end; it.increment(code)) {
      STRATA_CHECK_OK(AddFile(it->path().string().substr(data_.size() + 1)));
    }
    if (code && code != std::errc::no_such_file_or_directory) {
      return Fail(SystemError(code.value(), "listing", data_ + "/" + folder));
    }
    return {};
  }

  Result<> Add(const std::string& name, const std::string& source) {
    STRATA_TRY(auto sum, target_.Add(name, source));
    ++report_.files;
    report_.bytes += sum.bytes;
    files_[name] = std::move(sum);
    return {};
  }

  const std::string data_;
  const std::string scratch_;  // database copies stand here for a moment
  Target& target_;
  const FilesOfMeta& meta_;
  std::map<std::string, Summed> files_;
  BackupReport report_;
};

// A folder of our own beside the target, gone at the end.
class Scratch {
 public:
  explicit Scratch(const std::string& beside)
      : path_(beside + "." + SecureRandomHex(4) + ".work") {}
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// ---- restore

Result<std::map<std::string, Summed>> ParseManifest(const std::string& text) {
  boost::system::error_code code;
  auto json = boost::json::parse(text, code);
  auto broken = [] { return Fail(Code::kCorruption, "the backup's manifest.json cannot be read"); };
  if (code || !json.is_object()) return broken();
  const auto* format = json.get_object().if_contains("format");
  const auto* list = json.get_object().if_contains("files");
  if (format == nullptr || !format->is_int64() || list == nullptr || !list->is_object()) {
    return broken();
  }
  if (format->get_int64() != 1) {
    return Fail(Code::kUnsupported, "the backup was written by a newer strata");
  }
  std::map<std::string, Summed> files;
  for (const auto& member : list->get_object()) {
    auto name = std::string(member.key());
    STRATA_CHECK_OK(CheckRelative(name));
    const auto* file = member.value().if_object();
    const auto* bytes = file == nullptr ? nullptr : file->if_contains("bytes");
    const auto* sha = file == nullptr ? nullptr : file->if_contains("sha256");
    if (bytes == nullptr || !bytes->is_int64() || sha == nullptr || !sha->is_string()) {
      return broken();
    }
    files[name] = {static_cast<std::uint64_t>(bytes->get_int64()), std::string(sha->get_string())};
  }
  return files;
}

Result<> UnpackTar(const std::string& archive, const std::string& folder) {
  STRATA_TRY(auto in, OpenForRead(archive));
  auto read_block = [&](std::string& block) -> Result<> {
    block.clear();
    STRATA_TRY([[maybe_unused]] auto got, ReadPieces(in.get(), kTarBlock, archive, [&](auto piece) {
                 block += piece;
                 return Result<>();
               }));
    return {};
  };
  std::string block;
  while (true) {
    STRATA_CHECK_OK(read_block(block));
    STRATA_TRY(auto entry, ParseTarHeader(block));
    if (!entry) return {};
    auto path = folder + "/" + entry->name;
    STRATA_TRY(auto out, CreateFile(path));
    STRATA_TRY(auto got, ReadPieces(in.get(), entry->bytes, archive,
                                    [&](auto piece) { return WriteAll(out.get(), piece, path); }));
    if (got != entry->bytes) return Fail(Code::kCorruption, archive + " is cut short");
    STRATA_CHECK_OK(SyncFile(out, path));
    if (auto padding = TarPadding(entry->bytes); padding > 0) {
      STRATA_TRY([[maybe_unused]] auto skipped,
                 ReadPieces(in.get(), padding, archive, [](auto) { return Result<>(); }));
    }
  }
}

Result<Summed> SumOf(const std::string& path) {
  STRATA_TRY(auto in, OpenForRead(path));
  Hasher hasher;
  STRATA_TRY(auto bytes, ReadPieces(in.get(), ~std::uint64_t{0}, path, [&](auto piece) {
               hasher.Add(piece);
               return Result<>();
             }));
  return Summed{bytes, hasher.Hex()};
}

Result<> CheckFile(const std::string& name, const Summed& expected, const std::string& path) {
  auto sum = SumOf(path);
  if (!sum.has_value() && sum.error().code() == Code::kNotFound) {
    return Fail(Code::kCorruption, fmt::format("the backup lacks {}", name));
  }
  if (!sum.has_value()) return Fail(std::move(sum.error()));
  if (sum->bytes != expected.bytes || sum->sha256 != expected.sha256) {
    return Fail(Code::kCorruption, fmt::format("{} is not what was backed up", name));
  }
  return {};
}

bool IsTar(const std::string& path) { return path.ends_with(".tar"); }

fs::path ParentOf(const std::string& path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal().parent_path();
}

// A mistyped path makes no folders, and a backup does not lie in what it saves.
Result<> CheckPlace(const std::string& data_folder, const std::string& target) {
  std::error_code ignored;
  auto parent = ParentOf(target);
  if (!fs::is_directory(parent, ignored)) {
    return Fail(Code::kNotFound,
                fmt::format("{} is to lie in {}, which is no folder; make it first", target,
                            parent.string()));
  }
  auto data = fs::weakly_canonical(data_folder, ignored);
  for (auto above = fs::weakly_canonical(parent, ignored); above != above.root_path();
       above = above.parent_path()) {
    if (above != data) continue;
    return Fail(InvalidArgument("to", fmt::format("{} lies in the data folder {}; expected a place "
                                                  "outside it",
                                                  target, data_folder)));
  }
  return {};
}

Result<> RefuseWhatIsThere(const std::string& folder) {
  auto names = ListFolder(folder);
  if (names.has_value() && !names->empty()) {
    return Fail(Code::kConflict,
                fmt::format("{} is not empty: restore goes into a new folder", folder));
  }
  if (!names.has_value() && names.error().code() != Code::kNotFound) {
    return Fail(std::move(names.error()));
  }
  return {};
}

}  // namespace

Result<BackupReport> Backup(const std::string& data_folder, const std::string& target,
                            const FilesOfMeta& meta) {
  if (fs::exists(target)) return Fail(Code::kConflict, target + " exists already");
  STRATA_CHECK_OK(CheckPlace(data_folder, target));
  Scratch scratch(target);
  const auto unfinished = scratch.path() + "/target";
  const auto work = scratch.path() + "/copies";
  STRATA_CHECK_OK(MakeFolder(work));
  std::unique_ptr<Target> written;
  if (IsTar(target)) {
    STRATA_TRY(written, TarTarget::Create(unfinished));
  } else {
    STRATA_CHECK_OK(MakeFolder(unfinished));
    written = std::make_unique<FolderTarget>(unfinished);
  }
  STRATA_TRY(auto report, BackupRun(data_folder, work, *written, meta).Go());
  if (::rename(unfinished.c_str(), target.c_str()) != 0) {
    return Fail(SystemError(errno, "creating", target));
  }
  STRATA_CHECK_OK(SyncFolder(ParentOf(target)));
  return report;
}

Result<BackupReport> Restore(const std::string& source, const std::string& data_folder) {
  if (!fs::exists(source)) return Fail(NotFound("backup", source));
  STRATA_CHECK_OK(RefuseWhatIsThere(data_folder));
  Scratch scratch(data_folder);
  STRATA_CHECK_OK(MakeFolder(scratch.path()));
  auto from = source;
  if (IsTar(source)) {
    from = scratch.path() + "/unpacked";
    STRATA_CHECK_OK(MakeFolder(from));
    STRATA_CHECK_OK(UnpackTar(source, from));
  }
  auto manifest = ReadWholeFile(from + "/" + std::string(kManifest), kManifestMax);
  if (!manifest.has_value()) {
    return Fail(Code::kCorruption, source + " has no manifest.json: it is not a whole backup");
  }
  STRATA_TRY(auto files, ParseManifest(*manifest));
  auto staged = scratch.path() + "/data";
  STRATA_CHECK_OK(MakeFolder(staged));
  FolderTarget folder(staged);
  BackupReport report;
  for (const auto& [name, expected] : files) {
    STRATA_CHECK_OK(CheckFile(name, expected, from + "/" + name));
    STRATA_TRY(auto sum, folder.Add(name, from + "/" + name));
    if (sum.sha256 != expected.sha256) return Fail(Code::kConflict, name + " changes while read");
    ++report.files;
    report.bytes += sum.bytes;
    if (name.ends_with(".db")) ++report.databases;
  }
  std::error_code ignored;
  fs::remove(data_folder, ignored);  // when it is there, it is empty
  if (::rename(staged.c_str(), data_folder.c_str()) != 0) {
    return Fail(SystemError(errno, "creating", data_folder));
  }
  return report;
}

}  // namespace strata::store

#include "knowledge/base/names_keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "base/crash_point.h"
#include "base/log.h"
#include "store/file.h"
#include "vector/mapped_file.h"

namespace strata::knowledge {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "segment-";
constexpr std::string_view kSuffix = ".names";

std::string NameOf(std::uint64_t file) { return fmt::format("{}{:08}{}", kPrefix, file, kSuffix); }

// nullopt: not a segment's name.
std::optional<std::uint64_t> NumberOf(std::string_view name) {
  std::uint64_t file = 0;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto digits = name.substr(kPrefix.size());
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), file);
  if (read.ec != std::errc() || file == 0 || NameOf(file) != name) return std::nullopt;
  return file;
}

Result<std::shared_ptr<const graph::NamesSegment>> OpenSegment(const std::string& path) {
  STRATA_TRY(auto mapped, vector::MappedFile::Open(path));
  STRATA_TRY(auto segment, graph::NamesSegment::Open(mapped->bytes(), mapped));
  mapped->LetGo();  // all was read once; little of it is used
  return segment;
}

}  // namespace

std::string NamesKeeper::PathOf(std::uint64_t file) const {
  return options_.folder + "/" + NameOf(file);
}

void NamesKeeper::Load() {
  if (std::exchange(loaded_, true) || options_.folder.empty()) return;
  const auto names = store::ListFolder(options_.folder);
  if (!names.has_value()) return;  // none was written yet
  std::unique_lock lock(mutex_);
  for (const auto& name : *names) {
    const auto file = NumberOf(name);
    const auto path = options_.folder + "/" + name;
    if (!file) {  // what a crash left of one
      static_cast<void>(store::RemoveFile(path));
      continue;
    }
    next_file_ = std::max(next_file_, *file + 1);
    auto segment = OpenSegment(path);
    if (segment.has_value()) {
      graph_.AddSegment(std::move(*segment), *file);
      continue;
    }
    Log(Level::kWarning, "kb.names.rebuild",
        {{"file", name}, {"reason", segment.error().message()}});
    if (segment.error().code() == Code::kCorruption) static_cast<void>(store::RemoveFile(path));
  }
}

bool NamesKeeper::Claim(std::uint64_t passage, std::uint32_t fingerprint) {
  std::unique_lock lock(mutex_);
  return graph_.Claim(passage, fingerprint);
}

void NamesKeeper::Add(std::uint64_t passage, const graph::PassageNames& names) {
  std::unique_lock lock(mutex_);
  graph_.Add(passage, names);
  if (options_.folder.empty() || graph_.buffered() < options_.sealed_passages) return;
  // Else they stay in the buffer, where they are found as well.
  if (auto sealed = graph_.Seal(); !sealed.has_value()) {
    Log(Level::kWarning, "kb.names.not_sealed", {{"reason", sealed.error().message()}});
  }
}

void NamesKeeper::Remove(std::uint64_t passage) {
  std::unique_lock lock(mutex_);
  graph_.Remove(passage);
}

bool NamesKeeper::Has(std::uint64_t passage) const {
  std::shared_lock lock(mutex_);
  return graph_.Has(passage);
}

graph::GraphAnswer NamesKeeper::Walk(std::string_view question,
                                     std::span<const graph::PassageShare> seeds,
                                     const graph::PassageFilter& filter) const {
  std::shared_lock lock(mutex_);
  return graph_.Walk(question, seeds, filter);
}

graph::NamesGraph::Stats NamesKeeper::stats() const {
  std::shared_lock lock(mutex_);
  return graph_.stats();
}

bool NamesKeeper::Tend(const std::function<bool()>& closing) {
  std::error_code error;
  if (options_.folder.empty() || !fs::exists(options_.database, error)) return false;
  std::vector<graph::NamesPart> parts;
  {
    std::shared_lock lock(mutex_);
    parts = graph_.NextRewrite();
  }
  if (parts.empty()) return false;
  std::shared_ptr<const graph::NamesSegment> fresh;
  const auto file = next_file_;
  if (std::ranges::any_of(parts, [](const auto& part) { return part.live() > 0; })) {
    ++next_file_;
    auto written = Write(parts, file, closing);
    if (!written.has_value()) {
      if (written.error().code() == Code::kCancelled) return false;
      Log(Level::kWarning, "kb.names.not_saved", {{"reason", written.error().message()}});
      return false;
    }
    fresh = std::move(*written);
  }
  {
    std::unique_lock lock(mutex_);
    graph_.Replace(parts, std::move(fresh), file);
  }
  for (const auto& part : parts) {
    if (part.file != 0) static_cast<void>(store::RemoveFile(PathOf(part.file)));
  }
  CrashPoint("kb.names.replaced");
  return true;
}

Result<std::shared_ptr<const graph::NamesSegment>> NamesKeeper::Write(
    std::span<const graph::NamesPart> parts, std::uint64_t file,
    const std::function<bool()>& closing) const {
  STRATA_CHECK_OK(store::MakeFolder(options_.folder));
  const auto path = PathOf(file);
  const auto sink_to = [&](const store::PieceWriter& write) {
    return graph::MergeNames(parts, [&](std::string_view piece) -> Result<> {
      if (closing()) return Fail(Code::kCancelled, "the knowledge base is being closed");
      return write(piece);
    });
  };
  STRATA_CHECK_OK(store::WriteFileAtomic(path, sink_to));
  CrashPoint("kb.names.segment");
  return OpenSegment(path);
}

}  // namespace strata::knowledge

#include "store/journal/recover.h"

#include <cerrno>
#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "base/log.h"
#include "store/file.h"

namespace strata::store {
namespace {

constexpr std::uint64_t kSegmentFileMax = 1ULL << 30;
constexpr std::size_t kBatch = 512;

using CallKey = std::pair<std::string, std::uint32_t>;

class Recoverer {
 public:
  explicit Recoverer(const CallSink& sink) : sink_(sink) {}

  // Errors are the sink's, or a record of a newer format.
  Result<> AddAll(const SegmentScan& scan) {
    if (scan.torn) ++recovery_.torn_segments;
    for (auto payload : scan.payloads) {
      ++recovery_.records;
      auto record = DecodeCallRecord(payload);
      if (!record.has_value()) {
        if (record.error().code() == Code::kUnsupported) return Fail(std::move(record.error()));
        Log(Level::kError, "journal.record.unreadable", {{"error", record.error().message()}});
        continue;
      }
      STRATA_CHECK_OK(Add(std::move(*record)));
    }
    return {};
  }

  Result<Recovery> Finish() {
    for (auto& [key, intent] : open_) {
      ++recovery_.interrupted;
      STRATA_CHECK_OK(Give(InterruptedRow(std::move(intent))));
    }
    STRATA_CHECK_OK(Deliver());
    return recovery_;
  }

 private:
  Result<> Add(std::variant<CallIntent, CallRow> record) {
    if (auto* intent = std::get_if<CallIntent>(&record)) {
      CallKey key(intent->request_id.value, intent->call_number);
      if (!ended_.contains(key)) open_.emplace(std::move(key), std::move(*intent));
      return {};
    }
    auto& row = std::get<CallRow>(record);
    CallKey key(row.intent.request_id.value, row.intent.call_number);
    open_.erase(key);
    ended_.insert(std::move(key));  // its intent may stand in a file that is read later
    return Give(std::move(row));
  }

  Result<> Give(CallRow row) {
    batch_.push_back(std::move(row));
    return batch_.size() < kBatch ? Result<>() : Deliver();
  }

  Result<> Deliver() {
    if (batch_.empty()) return {};
    CrashPoint("journal.recover.before_sink");
    STRATA_CHECK_OK(sink_(batch_));
    CrashPoint("journal.recover.after_sink");
    batch_.clear();
    return {};
  }

  const CallSink& sink_;
  std::map<CallKey, CallIntent> open_;
  std::set<CallKey> ended_;
  std::vector<CallRow> batch_;
  Recovery recovery_;
};

Result<> SetAside(const std::string& path, const Error& why) {
  Log(Level::kError, "journal.file.unreadable", {{"file", path}, {"error", why.message()}});
  if (std::rename(path.c_str(), (path + ".bad").c_str()) != 0) {
    return Fail(SystemError(errno, "setting aside", path));
  }
  return {};
}

}  // namespace

Result<Recovery> RecoverJournal(const std::string& folder, const CallSink& sink) {
  STRATA_TRY(auto names, ListFolder(folder));
  Recoverer recoverer(sink);
  std::vector<std::string> read;
  for (const auto& name : names) {
    if (!name.ends_with(".seg")) continue;
    auto path = folder + "/" + name;
    STRATA_TRY(auto bytes, ReadWholeFile(path, kSegmentFileMax));
    auto scan = ScanSegment(bytes);
    if (!scan.has_value() && scan.error().code() == Code::kCorruption) {
      STRATA_CHECK_OK(SetAside(path, scan.error()));
      continue;
    }
    if (!scan.has_value()) return Fail(std::move(scan.error()).Because("recovering " + path));
    if (auto added = recoverer.AddAll(*scan); !added.has_value()) {
      return Fail(std::move(added.error()).Because("recovering " + path));
    }
    read.push_back(path);
  }
  STRATA_TRY(auto recovery, recoverer.Finish());
  for (const auto& path : read) {
    STRATA_CHECK_OK(RemoveFile(path));
    CrashPoint("journal.recover.removed");
  }
  return recovery;
}

}  // namespace strata::store

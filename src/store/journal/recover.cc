#include "store/journal/recover.h"

#include <cerrno>
#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "base/log.h"
#include "store/call_key.h"
#include "store/file.h"

namespace strata::store {
namespace {

constexpr std::uint64_t kSegmentFileMax = 1ULL << 30;
constexpr std::size_t kBatch = 512;

struct Record {
  CallPart part = CallPart::kIntent;
  CallKey key;
  CallRow row;
};

Result<Record> Decode(std::string_view payload) {
  STRATA_TRY(auto head, HeadOf(payload));
  Record record{head.part, CallKey(head.key), {}};
  STRATA_CHECK_OK(DecodeInto(payload, record.row));
  return record;
}

class Recoverer {
 public:
  explicit Recoverer(const CallSink& sink) : sink_(sink) {}

  // Errors are the sink's, or a record of a newer format.
  Result<> AddAll(const SegmentScan& scan) {
    if (scan.torn) ++recovery_.torn_segments;
    for (auto payload : scan.payloads) {
      ++recovery_.records;
      auto record = Decode(payload);
      if (!record.has_value()) {
        if (record.error().code() == Code::kUnsupported) return Fail(std::move(record.error()));
        ++recovery_.lost;
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
  // The two parts of a call may stand in different files, and come in any order. An outcome whose
  // intent does not come at all is of a call that the ledger has: the files are removed one by one.
  Result<> Add(Record record) {
    auto& [part, key, row] = record;
    if (part == CallPart::kIntent) {
      if (auto early = early_.extract(key)) {
        row.outcome = std::move(early.mapped());
        return Give(std::move(row));
      }
      if (!ended_.contains(key)) open_.emplace(std::move(key), std::move(row.intent));
      return {};
    }
    auto open = open_.extract(key);
    if (part == CallPart::kBoth) {
      ended_.insert(std::move(key));
    } else if (open) {
      row.intent = std::move(open.mapped());
    } else {
      early_.emplace(std::move(key), std::move(row.outcome));
      return {};
    }
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
  std::map<CallKey, CallIntent> open_;    // intents whose calls have not ended yet
  std::map<CallKey, CallOutcome> early_;  // outcomes whose intents have not come yet
  std::set<CallKey> ended_;               // by a record of both parts
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
    auto path = folder;
    path.append("/").append(name);
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

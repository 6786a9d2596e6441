#include "store/journal/segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/encoding.h"
#include "store/file.h"
#include "store/journal.h"

namespace strata::store {
namespace {

constexpr std::string_view kMagicStem = "STRJRNL";
constexpr char kFormat = '1';

void PutU32(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (8 * i));
}
void PutU64(char* at, std::uint64_t value) {
  PutU32(at, static_cast<std::uint32_t>(value));
  PutU32(at + 4, static_cast<std::uint32_t>(value >> 32));
}
std::uint32_t GetU32(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  }
  return value;
}

// Of length and payload, so that a length that changed is found too.
std::uint32_t FrameChecksum(const char* length_bytes, std::string_view payload) {
  return Crc32(payload, Crc32({length_bytes, 4}));
}

}  // namespace

std::string_view ReadFrame(std::string_view bytes, std::size_t offset, bool& torn) {
  torn = false;
  if (offset > bytes.size() || bytes.size() - offset < kFrameBytes) return {};
  const char* at = bytes.data() + offset;
  auto length = GetU32(at);
  auto checksum = GetU32(at + 4);
  if (length == 0 && checksum == 0) return {};
  if (length == 0 || length > kRecordBytesMax || length > bytes.size() - offset - kFrameBytes) {
    torn = true;
    return {};
  }
  std::string_view payload(at + kFrameBytes, length);
  if (FrameChecksum(at, payload) == checksum) return payload;
  torn = true;
  return {};
}

Result<SegmentScan> ScanSegment(std::string_view bytes) {
  SegmentScan scan;
  // A process that died between creating the file and writing its header left zeros, or nothing.
  if (bytes.substr(0, kSegmentHeaderBytes).find_first_not_of('\0') == bytes.npos) return scan;
  if (!bytes.starts_with(kMagicStem) || bytes.size() < kSegmentHeaderBytes) {
    return Fail(Code::kCorruption, "it does not begin like a journal");
  }
  if (bytes[kMagicStem.size()] != kFormat) {
    return Fail(Code::kUnsupported, fmt::format("it is a journal of format '{}', this strata reads "
                                                "'{}'",
                                                bytes[kMagicStem.size()], kFormat));
  }
  std::size_t offset = kSegmentHeaderBytes;
  while (true) {
    auto payload = ReadFrame(bytes, offset, scan.torn);
    if (payload.empty()) return scan;
    scan.payloads.push_back(payload);
    offset += FramedSize(payload.size());
  }
}

Result<std::shared_ptr<Segment>> Segment::Create(const std::string& folder, std::uint32_t lane,
                                                 std::uint64_t number, std::size_t bytes) {
  // Errors name the file without its folder: whoever asks a model reads them.
  const auto name = fmt::format("{:04}-{:012}.seg", lane, number);
  const auto path = folder + "/" + name;
  FileHandle file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return Fail(SystemError(errno, "creating", "journal/" + name));
  CrashPoint("journal.segment.created");
  // Blocks are allocated now: writing to the mapping later cannot meet a full disk.
  if (int code = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)); code != 0) {
    ::unlink(path.c_str());
    return Fail(SystemError(code, "allocating", "journal/" + name));
  }
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (base == MAP_FAILED) {
    auto code = errno;
    ::unlink(path.c_str());
    return Fail(SystemError(code, "mapping", "journal/" + name));
  }
  std::shared_ptr<Segment> segment(new Segment(path, static_cast<char*>(base), bytes));
  char header[kSegmentHeaderBytes] = {};
  std::memcpy(header, kMagicStem.data(), kMagicStem.size());
  header[kMagicStem.size()] = kFormat;
  PutU32(header + 8, lane);
  PutU64(header + 12, number);
  PutU64(header + 20, static_cast<std::uint64_t>(::getpid()));
  std::memcpy(segment->base_, header, sizeof(header));
  segment->TendPages();
  CrashPoint("journal.segment.ready");
  return segment;
}

Segment::~Segment() { ::munmap(base_, size_); }

void Segment::Append(std::string_view payload, std::string_view torn_point,
                     std::string_view done_point) {
  auto offset = committed_.load(std::memory_order_relaxed);
  auto framed = FramedSize(payload.size());
  STRATA_FATAL(framed <= size_ - offset, "a journal record has no room");
  char* at = base_ + offset;
  char frame[kFrameBytes];
  PutU32(frame, static_cast<std::uint32_t>(payload.size()));
  PutU32(frame + 4, FrameChecksum(frame, payload));
  auto half = payload.size() / 2;
  std::memcpy(at + kFrameBytes, payload.data(), half);
  CrashPoint(torn_point);
  std::memcpy(at + kFrameBytes + half, payload.data() + half, payload.size() - half);
  // The frame goes last and in one store: a process that dies before it leaves zeros, the end.
  std::uint64_t word = 0;
  std::memcpy(&word, frame, sizeof(word));
  std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(at))
      .store(word, std::memory_order_release);
  CrashPoint(done_point);
  committed_.store(offset + framed, std::memory_order_release);
}

Result<> Segment::Sync() {
  auto end = committed();
  if (end == synced) return {};
  if (::msync(base_, end, MS_SYNC) != 0) return Fail(SystemError(errno, "syncing", path_));
  synced = end;
  return {};
}

void Segment::TendPages() {
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kAhead = 2u << 20;  // a busy thread writes so much between two looks
  // A shared mapping loses nothing: what was written stays in the file's pages.
  const auto read = drained / kPage * kPage;
  if (read > let_go_) ::madvise(base_ + let_go_, read - let_go_, MADV_DONTNEED);
  let_go_ = std::max(let_go_, read);
  ready_ = std::max(ready_, let_go_);  // what was let go is not wanted back
  const auto ahead = sealed() ? 0 : std::min(size_, committed() / kPage * kPage + kAhead);
  // Where the kernel cannot, the appending thread takes the page faults.
  if (ahead > ready_) ::madvise(base_ + ready_, ahead - ready_, MADV_POPULATE_WRITE);
  ready_ = std::max(ready_, ahead);
}

Result<> Segment::Remove() { return RemoveFile(path_); }

}  // namespace strata::store

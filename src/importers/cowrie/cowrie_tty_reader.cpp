// SPDX-License-Identifier: Apache-2.0
// Records of 24 bytes, little-endian: op, tty, length, direction, second, microsecond; then
// `length` bytes.

#include "base/file.hpp"
#include "event/number_range.hpp"
#include "event/unknown_user.hpp"
#include "importers/cowrie/cowrie_readers.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kHeaderBytes = 24;
constexpr std::uint32_t kDataBytesMax = 1 << 20;
constexpr std::uint32_t kPtyMajor = 136;

enum : std::uint32_t { kOpen = 1, kClose = 2, kWrite = 3, kExec = 4 };
enum : std::uint32_t { kTyped = 1, kShown = 2, kAsked = 3 };

std::uint32_t LittleEndian(std::string_view bytes, std::size_t place) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) {
    value = value << 8 | static_cast<std::uint8_t>(bytes[place + i]);
  }
  return value;
}

class CowrieTtyReader : public event::EventSource {
 public:
  explicit CowrieTtyReader(const ImportOptions& options) : options_(options) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (lost_) return {};
    held_ += AsText(bytes);
    std::string_view rest = held_;
    while (rest.size() >= kHeaderBytes) {
      const std::uint32_t size = LittleEndian(rest, 8);
      const std::uint32_t op = LittleEndian(rest, 0);
      if (size > kDataBytesMax || op < kOpen || op > kExec) {
        ++counts_.record_count;
        CountMalformed();
        lost_ = true;  // where the next record begins is not known any more
        rest = {};
        break;
      }
      if (rest.size() - kHeaderBytes < size) break;
      ++counts_.record_count;
      TakeRecord(op, rest.substr(0, kHeaderBytes), rest.substr(kHeaderBytes, size), findings);
      rest.remove_prefix(kHeaderBytes + size);
    }
    held_.erase(0, held_.size() - rest.size());
    return {};
  }

  Result<> Finish(event::Findings&) override {
    if (!held_.empty()) {
      ++counts_.record_count;
      CountMalformed();
    }
    return {};
  }

  event::SourceCounts counts() const override { return counts_; }

 private:
  void CountMalformed() {
    if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count;
  }

  void TakeRecord(std::uint32_t op, std::string_view header, std::string_view data,
                  event::Findings& findings) {
    const std::int64_t wall_ns = std::int64_t{LittleEndian(header, 16)} * 1'000'000'000 +
                                 std::int64_t{LittleEndian(header, 20)} * 1000;
    if (!event::IsPossibleWallTime(wall_ns)) return CountMalformed();
    event::Event event;
    event.host = options_.host;
    event.wall_ns = wall_ns;
    event.end_boot_ns = static_cast<std::uint64_t>(wall_ns);
    event.uid = event.euid = event::kUnknownUser;
    if (process_.pid == 0) {
      process_ = {.pid = 1, .start_boot_ns = event.end_boot_ns};
      terminal_ = {.type = event::ObjectType::kPty,
                   .device = kPtyMajor << 20,
                   .inode = LittleEndian(header, 4),
                   .instance = event.end_boot_ns,
                   .path = {}};
      event::Event begin = event;
      begin.kind = event::EventKind::kProcess;
      begin.baseline = true;
      begin.process = process_;
      begin.tid = process_.pid;
      begin.command = "cowrie";
      findings.events.push_back(std::move(begin));
    }
    event.process = process_;
    event.tid = process_.pid;
    if (op == kClose) {
      event.kind = event::EventKind::kExit;
      findings.events.push_back(std::move(event));
      return;
    }
    if (op != kWrite || data.empty()) return;
    const std::uint32_t direction = LittleEndian(header, 12);
    if (direction != kTyped && direction != kShown && direction != kAsked) {
      ++counts_.not_decoded_count;
      return;
    }
    event.kind = direction == kShown ? event::EventKind::kWrite : event::EventKind::kRead;
    event.object = terminal_;
    event.size_bytes = data.size();
    event.result = static_cast<std::int64_t>(data.size());
    event.payload = std::string(data);
    findings.events.push_back(std::move(event));
  }

  const ImportOptions options_;
  std::string held_;
  bool lost_ = false;
  event::SourceCounts counts_;
  event::ProcessKey process_;
  event::ObjectKey terminal_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeCowrieTtyReader(const ImportOptions& options) {
  return std::make_unique<CowrieTtyReader>(options);
}

bool LooksLikeCowrieTty(std::string_view first_bytes) {
  constexpr std::size_t kSecond = 16;
  if (first_bytes.size() < kHeaderBytes) return false;
  constexpr std::uint32_t kYear1998 = 883'612'800;
  return LittleEndian(first_bytes, 0) == kOpen && LittleEndian(first_bytes, 8) == 0 &&
         LittleEndian(first_bytes, 12) == 0 && LittleEndian(first_bytes, kSecond) > kYear1998 &&
         LittleEndian(first_bytes, 20) < 1'000'000;
}

}  // namespace spoor::importers

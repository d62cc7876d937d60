// SPDX-License-Identifier: Apache-2.0
// How long a record takes from the system call to the sealed frame, and to the collector's durable
// log: runs a command (spoor record --to https://…) while it notes when the collector published
// which checkpoint, then reads the times out of the log. All clocks are CLOCK_BOOTTIME of this one
// machine. Prints one JSON object.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <thread>

#include "base/file.hpp"
#include "base/store_layout.hpp"
#include "base/time.hpp"
#include "collector/collected_record.hpp"
#include "evidence/log.hpp"
#include "wire/batch.hpp"
#include "wire/chunk.hpp"
#include "wire/seal_frame.hpp"

namespace spoor {
namespace {

constexpr std::uint16_t kConnect = 42, kAccept = 43, kAccept4 = 288;  // x86-64

/// When each size of the log was published.
class CheckpointWatch {
 public:
  explicit CheckpointWatch(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<> Start() {
    notify_ = FileDescriptor(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (inotify_add_watch(notify_.get(), folder_.c_str(), IN_MOVED_TO) < 0) {
      return FailErrno(errno, "{}: cannot watch", folder_.string());
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { Watch(stop); });
    return {};
  }
  void Stop() { thread_ = {}; }
  /// 0: never seen.
  std::uint64_t DurableAt(std::uint64_t entry) const {
    const auto found = boot_ns_of_size_.upper_bound(entry);
    return found == boot_ns_of_size_.end() ? 0 : found->second;
  }

 private:
  void Watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd watched{.fd = notify_.get(), .events = POLLIN, .revents = 0};
      if (poll(&watched, 1, 50) <= 0) continue;
      const std::uint64_t now_boot_ns = BootNow();
      alignas(inotify_event) std::array<char, 4096> events;
      while (read(notify_.get(), events.data(), events.size()) > 0) {
      }
      const Result<std::string> note = ReadTextFile(folder_ / "checkpoint", 1 << 16);
      if (!note) continue;
      // Origin, then the size.
      const std::size_t line = note->find('\n') + 1;
      boot_ns_of_size_.emplace(std::strtoull(note->c_str() + line, nullptr, 10), now_boot_ns);
    }
  }

  const std::filesystem::path folder_;
  FileDescriptor notify_;
  std::map<std::uint64_t, std::uint64_t> boot_ns_of_size_;  // the thread's until Stop
  std::jthread thread_;
};

struct Latencies {
  std::vector<double> sealed_ms, durable_ms;
  void Add(std::uint64_t recorded, std::uint64_t sealed, std::uint64_t durable) {
    sealed_ms.push_back(static_cast<double>(sealed - recorded) / 1e6);
    if (durable != 0) durable_ms.push_back(static_cast<double>(durable - recorded) / 1e6);
  }
};

bool IsUrgent(const record_header& header) {
  switch (header.kind) {
    case RECORD_EXEC:
    case RECORD_CREDENTIAL:
    case RECORD_SIGNAL:
      return true;
    case RECORD_SOCKET:
      return header.syscall_nr == kConnect || header.syscall_nr == kAccept ||
             header.syscall_nr == kAccept4;
    default:
      return false;
  }
}

Result<> Measure(const StoreLayout& store, const CheckpointWatch& watch, Latencies& urgent,
                 Latencies& ordinary) {
  ASSIGN_OR_RETURN(const std::string key, ReadTextFile(store.public_key(), 4096));
  ASSIGN_OR_RETURN(const auto reader, evidence::LogReader::Open(store.evidence(), key));
  std::map<std::uint64_t, std::vector<record_header>> records_of;  // entry -> its records
  return reader->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
    if (batch.kind == wire::BatchKind::kRecords) {
      std::span<const std::byte> rest = batch.payload;
      while (std::optional<wire::Chunk> chunk = wire::TakeChunk(rest)) {
        if (chunk->header.cpu == wire::kUserSpaceCpu) continue;  // baseline, loss
        while (const auto record = wire::TakeRecord(chunk->records)) {
          std::memcpy(&records_of[index].emplace_back(), record->data(), sizeof(record_header));
        }
      }
    }
    if (batch.kind != wire::BatchKind::kCollected) return {};
    ASSIGN_OR_RETURN(const auto account, collector::ParseRecords(batch.payload));
    for (const collector::CollectedRecord& told : account) {
      if (told.verdict != collector::Verdict::kAccepted) continue;
      ASSIGN_OR_RETURN(const wire::FrameHeader frame, wire::DecodeFrameHeader(told.head));
      for (const record_header& header : records_of[told.entry_index]) {
        if ((header.flags & RECORD_FLAG_BASELINE) != 0) continue;
        (IsUrgent(header) ? urgent : ordinary)
            .Add(header.boot_ns, frame.boot_ns, watch.DurableAt(index));
      }
    }
    return {};
  });
}

std::string Describe(std::vector<double> values) {
  if (values.empty()) return "null";
  std::ranges::sort(values);
  const auto at = [&](double part) {
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
  };
  return fmt::format(R"({{"count": {}, "p50": {:.2f}, "p99": {:.2f}, "max": {:.2f}}})",
                     values.size(), at(0.5), at(0.99), values.back());
}

Result<> Run(const StoreLayout& store, char** command) {
  CheckpointWatch watch(store.evidence());
  RETURN_IF_ERROR(watch.Start());
  pid_t pid = 0;
  if (const int error = posix_spawnp(&pid, command[0], nullptr, nullptr, command, environ)) {
    return FailErrno(error, "{}: cannot start", command[0]);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  watch.Stop();
  if (status != 0) return Fail(ErrorCode::kUnavailable, "{}: failed", command[0]);
  Latencies urgent, ordinary;
  RETURN_IF_ERROR(Measure(store, watch, urgent, ordinary));
  fmt::print(
      "{{\"urgent_sealed_ms\": {}, \"urgent_durable_ms\": {}, \"ordinary_sealed_ms\": {}, "
      "\"ordinary_durable_ms\": {}}}\n",
      Describe(urgent.sealed_ms), Describe(urgent.durable_ms), Describe(ordinary.sealed_ms),
      Describe(ordinary.durable_ms));
  return {};
}

}  // namespace
}  // namespace spoor

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "shipping_latency STORE COMMAND…\n");
    return 2;
  }
  const spoor::Result<> ran = spoor::Run(spoor::StoreLayout{argv[1]}, argv + 2);
  if (ran) return 0;
  fmt::print(stderr, "shipping_latency: {}\n", ran.error().message);
  return 5;
}

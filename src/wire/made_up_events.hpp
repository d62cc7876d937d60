// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "wire/chunk.hpp"
#include "wire/record_builder.hpp"

namespace spoor::wire {

/// Chunks of records as a busy host makes them, for benchmarks and load: some processes that read
/// and write files at random times and places. They compress about as well as recorded ones.
class MadeUpEvents {
 public:
  explicit MadeUpEvents(std::uint32_t seed) : random_(seed) {}

  /// Appends chunks with `count` records that happen up to `boot_ns`, `interval_ns` apart on
  /// average.
  void Append(std::uint32_t count, std::uint64_t boot_ns, std::uint64_t interval_ns,
              std::vector<std::byte>& chunks) {
    std::uint64_t at_ns = boot_ns - count * interval_ns;
    while (count != 0) {
      const std::uint32_t now = std::min(count, kRecordsPerChunk);
      std::vector<std::byte> records;
      for (std::uint32_t i = 0; i < now; ++i) {
        at_ns += interval_ns / 2 + random_() % std::max<std::uint64_t>(interval_ns, 1);
        const std::vector<std::byte> record = MakeRecord(at_ns);
        records.insert(records.end(), record.begin(), record.end());
      }
      AppendChunk({.first_sequence = sequence_, .cpu = 0, .size_bytes = 0, .count = now, .pad = 0},
                  records, chunks);
      sequence_ += now;
      count -= now;
    }
  }

 private:
  static constexpr std::uint32_t kRecordsPerChunk = 40;
  static constexpr std::uint32_t kProcesses = 16;
  static constexpr std::uint32_t kFilesPerProcess = 8;
  static constexpr std::array<__s64, 8> kSizes{1, 13, 64, 512, 832, 4096, 8192, 65536};

  std::vector<std::byte> MakeRecord(std::uint64_t boot_ns) {
    io_record body{};
    const auto process = static_cast<std::uint32_t>(random_() % kProcesses);
    body.header.boot_ns = boot_ns;
    body.header.process_start_boot_ns = 1'000'000'007ULL * (process + 1);
    body.header.pid = body.header.tid = 1000 + process;
    body.header.uid = body.header.euid = process % 3;
    body.header.kind = RECORD_IO;
    body.header.syscall_nr = random_() % 2;
    body.header.result = kSizes[random_() % kSizes.size()];
    const auto file = static_cast<std::uint32_t>(random_() % kFilesPerProcess);
    body.object.inode = 1'000'000 + process * 100 + file;
    body.object.device = 0xfe00;
    body.object.mode = 0100644;
    body.object.type = OBJECT_FILE;
    body.offset_bytes = offset_[process][file];
    offset_[process][file] += body.header.result;
    body.fd = static_cast<__s32>(3 + file);
    body.direction = body.header.syscall_nr == 0 ? IO_IN : IO_OUT;
    return RecordBuilder(body).Build();
  }

  std::mt19937 random_;
  std::array<std::array<__s64, kFilesPerProcess>, kProcesses> offset_{};
  std::uint64_t sequence_ = 0;
};

}  // namespace spoor::wire

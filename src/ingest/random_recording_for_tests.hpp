// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/log.hpp"
#include "ingest/catch_up.hpp"
#include "ingest/recording_for_tests.hpp"
#include "schema/tables.hpp"
#include "store/row.hpp"
#include "store/store.hpp"
#include "wire/batch_sealer.hpp"

/// Recordings made at random, and what became of them, for the tests of ingest.
namespace spoor::ingest {

/// A recording of random calls: processes that fork, execute, end; files that are opened, read,
/// renamed; sockets that talk; and losses.
class RandomRecording {
 public:
  RandomRecording(evidence::LogWriter& log, std::uint32_t seed)
      : random_(seed),
        sealer_(wire::MakeRecordingId(), [&log](const wire::DigestedBytes& batch) -> Result<> {
          ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, log.Append(batch.bytes));
          return {};
        }) {
    // Sockets of two boots have nothing to do with each other; files have.
    Seal(
        wire::BatchKind::kRecordingOpen,
        fmt::format(R"({{"boot_id":"{}","profile":"honeypot","scopes":[{{"host":"web"}}]}})", seed),
        0);
  }

  void AddBatch() {
    std::vector<std::byte> records;
    const std::uint32_t count = 1 + Below(40);
    for (std::uint32_t i = 0; i < count; ++i) {
      now_ns_ += 1 + Below(5000);
      const std::vector<std::byte> record = RandomRecord();
      records.insert(records.end(), record.begin(), record.end());
    }
    std::vector<std::byte> chunks;
    if (Below(10) == 0) sequence_ += Below(5);  // lost
    wire::AppendChunk(
        {.first_sequence = sequence_, .cpu = 0, .size_bytes = 0, .count = count, .pad = 0}, records,
        chunks);
    sequence_ += count;
    // Some of it may still be overtaken by what comes.
    Seal(wire::BatchKind::kRecords, AsText(chunks), now_ns_ - Below(8000));
  }
  void Close() { Seal(wire::BatchKind::kRecordingClose, "{}", now_ns_); }

 private:
  std::uint32_t Below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }

  void Seal(wire::BatchKind kind, std::string_view payload, std::uint64_t complete_until_boot_ns) {
    const auto sealed =
        sealer_.Seal(kind, AsBytes(payload),
                     {.boot_ns = now_ns_ + 1,
                      .wall_ns = kTestWallMinusBootNs + static_cast<std::int64_t>(now_ns_ + 1),
                      .complete_until_boot_ns = complete_until_boot_ns});
    ASSERT_TRUE(sealed) << sealed.error().message;
  }

  record_header Header(std::uint16_t kind, std::uint16_t syscall_nr, std::int64_t result) {
    record_header header = TestHeader(kind, now_ns_, syscall_nr, result);
    header.pid = 100 + Below(6);
    header.tid = header.pid + (Below(8) == 0 ? 50 : 0);
    header.process_start_boot_ns = 50 + header.pid;
    header.uid = header.euid = Below(30) == 0 ? 0 : 1000;
    return header;
  }
  object_ref File() {
    return {.inode = 1 + Below(5),
            .device = 8 << 20 | 1,
            .generation = 3,
            .device_of_node = 0,
            .mode = 0100644,
            .type = OBJECT_FILE,
            .flags = 0};
  }
  object_ref Socket() {
    return {.inode = 900 + Below(3),
            .device = 9,
            .generation = 0,
            .device_of_node = 0,
            .mode = 0140777,
            .type = OBJECT_SOCKET,
            .flags = 0};
  }
  socket_ref Ends() {
    socket_ref socket{};
    socket.netns = 7;
    socket.family = AF_INET;
    socket.type = SOCK_STREAM;
    socket.protocol = IPPROTO_TCP;
    socket.local_port = static_cast<std::uint16_t>(1000 + Below(2));
    socket.remote_port = 80;
    socket.local_address[0] = socket.remote_address[0] = 10;
    return socket;
  }
  std::string Path() { return fmt::format("/d{}/f{}", Below(2), Below(4)); }

  std::vector<std::byte> RandomRecord() {
    switch (Below(12)) {
      case 0: {
        fork_record fork{};
        fork.header = Header(RECORD_FORK, SYSCALL_NR_NONE, 0);
        fork.child_pid = fork.child_tid = 100 + Below(6);
        fork.child_start_boot_ns = 50 + fork.child_pid;
        return wire::RecordBuilder(fork).Build();
      }
      case 1: {
        exec_record exec{};
        exec.header = Header(RECORD_EXEC, __NR_execve, 0);
        exec.object = File();
        exec.credentials.uid = exec.credentials.euid = exec.header.uid;
        return wire::RecordBuilder(exec)
            .Tail(&exec_record::path, Path())
            .Tail(&exec_record::arguments, std::string("prog\0-x\0", 8))
            .Build();
      }
      case 2: {
        exit_record end{};
        end.header = Header(RECORD_EXIT, SYSCALL_NR_NONE, 0);
        return wire::RecordBuilder(end).Build();
      }
      case 3:
      case 4: {
        open_record open{};
        open.header = Header(RECORD_OPEN, __NR_openat, 3 + Below(3));
        open.object = File();
        open.fd = static_cast<__s32>(open.header.result);
        return wire::RecordBuilder(open)
            .Tail(&open_record::path, Path())
            .Tail(&open_record::user_path, "f")
            .Build();
      }
      case 5: {
        path_record path{};
        path.header = Header(RECORD_PATH, Below(2) == 0 ? __NR_rename : __NR_unlink, 0);
        path.fd = -1;
        return wire::RecordBuilder(path)
            .Tail(&path_record::user_path, Below(2) == 0 ? "/d0" : Path())
            .Tail(&path_record::other_user_path, Below(2) == 0 ? "/d1" : Path())
            .Build();
      }
      case 6: {
        socket_record socket{};
        socket.header = Header(RECORD_SOCKET, __NR_connect, 0);
        socket.object = Socket();
        socket.fd = 5;
        socket.socket = Ends();
        return wire::RecordBuilder(socket).Build();
      }
      case 7: {
        loss_record loss{};
        loss.header = Header(RECORD_LOSS, SYSCALL_NR_NONE, 0);
        loss.header.pid = 0;
        lost_ += Below(2);
        loss.count[LOSS_IO] = lost_;
        return wire::RecordBuilder(loss).Build();
      }
      default: {
        io_record io{};
        const bool in = Below(2) == 0;
        io.header = Header(RECORD_IO, in ? __NR_read : __NR_write, 1 + Below(100));
        io.object = Below(4) == 0 ? Socket() : File();
        io.fd = static_cast<__s32>(3 + Below(3));
        io.direction = in ? IO_IN : IO_OUT;
        wire::RecordBuilder builder(io);
        if (Below(3) == 0) builder.Tail(&io_record::payload, "bytes");
        return builder.Build();
      }
    }
  }

  std::mt19937 random_;
  wire::BatchSealer sealer_;
  std::uint64_t now_ns_ = 1'000'000;
  std::uint64_t sequence_ = 0;
  std::uint64_t lost_ = 0;
};

/// No imports, and little in memory.
inline CatchUpOptions SmallOptions() {
  return {.importers = [](const ImportDescription&) -> Result<std::unique_ptr<event::EventSource>> {
            return Fail(ErrorCode::kUnsupported, "no imports here");
          },
          .rows_held_max = 200};
}

/// All rows of all tables, as text, in an order of their own.
inline std::vector<std::string> AllRows(store::Store& store) {
  std::vector<std::string> rows;
  std::vector<std::string> tables;
  for (const schema::TableDescription& table : schema::Tables()) {
    for (const schema::SortOrder& order : table.sort_orders) tables.emplace_back(order.table);
  }
  for (const std::string& table : tables) {
    const auto read = store::ForEachRow(
        store, fmt::format("SELECT r::VARCHAR FROM (FROM {}) AS r ORDER BY 1", table), {},
        [&](const std::vector<store::Value>& row) {
          rows.push_back(table + ": " + store::TextOf(row[0]));
        });
    if (!read) rows.push_back(read.error().message);
  }
  return rows;
}

inline std::vector<std::string> AllRows(const StoreLayout& layout) {
  const auto store = store::OpenStore(layout.root.string());
  return store ? AllRows(**store) : std::vector<std::string>{store.error().message};
}

}  // namespace spoor::ingest

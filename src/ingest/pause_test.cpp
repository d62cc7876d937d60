// SPDX-License-Identifier: Apache-2.0
// Whoever asks, and however often: the tables come out as if all had been ingested in one go.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <set>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "ingest/catch_up.hpp"
#include "ingest/derivation_check.hpp"
#include "ingest/recording_for_tests.hpp"
#include "schema/tables.hpp"
#include "store/catalog.hpp"
#include "store/row.hpp"
#include "store/segment_writer.hpp"
#include "store/store.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::ingest {
namespace {

using testing::IsEmpty;

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

CatchUpOptions SmallOptions() {
  return {.importers = [](const ImportDescription&) -> Result<std::unique_ptr<event::EventSource>> {
            return Fail(ErrorCode::kUnsupported, "no imports here");
          },
          .rows_held_max = 200};
}

/// All rows of all tables, as text, in an order of their own.
std::vector<std::string> AllRows(const StoreLayout& layout) {
  const auto store = store::OpenStore(layout.root.string());
  if (!store) return {store.error().message};
  std::vector<std::string> rows;
  std::vector<std::string> tables;
  for (const schema::TableDescription& table : schema::Tables()) {
    for (const schema::SortOrder& order : table.sort_orders) tables.emplace_back(order.table);
  }
  for (const std::string& table : tables) {
    const auto read = store::ForEachRow(
        **store, fmt::format("SELECT r::VARCHAR FROM (FROM {}) AS r ORDER BY 1", table), {},
        [&](const std::vector<store::Value>& row) {
          rows.push_back(table + ": " + store::TextOf(row[0]));
        });
    if (!read) rows.push_back(read.error().message);
  }
  return rows;
}

/// The rows that only one of both has, those of `ours` first; empty: both are the same.
std::vector<std::string> Difference(const std::vector<std::string>& ours,
                                    const std::vector<std::string>& theirs) {
  std::multiset<std::string> left(ours.begin(), ours.end()), right(theirs.begin(), theirs.end());
  std::vector<std::string> difference;
  std::ranges::set_difference(left, right, std::back_inserter(difference));
  for (std::string& row : difference) row = "ours   " + row;
  const auto count = static_cast<std::ptrdiff_t>(difference.size());
  std::ranges::set_difference(right, left, std::back_inserter(difference));
  for (auto row = difference.begin() + count; row != difference.end(); ++row)
    *row = "theirs " + *row;
  return difference;
}

class Pause : public testing::TestWithParam<std::uint32_t> {
 protected:
  void MustCatchUp(const StoreLayout& layout) {
    const auto summary = CatchUp(layout, SmallOptions(), {});
    ASSERT_TRUE(summary) << summary.error().message;
  }
  /// A catch-up in another process, which is killed when it has made `file_count` files.
  void CatchUpAndBeKilled(std::size_t file_count) {
    const std::size_t before = FileCount(layout_.root);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)CatchUp(layout_, SmallOptions(), {});
      ::_exit(0);
    }
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (FileCount(layout_.root) >= before + file_count) ::kill(child, SIGKILL);
      ::sched_yield();
    }
  }
  static std::size_t FileCount(const std::filesystem::path& folder) {
    std::size_t count = 0;
    std::error_code error;
    std::filesystem::recursive_directory_iterator file(folder, error);
    for (; !error && file != std::filesystem::recursive_directory_iterator();
         file.increment(error)) {
      std::error_code gone;
      count += file->is_regular_file(gone) ? 1 : 0;
    }
    return count;
  }
  /// As `spoor verify` sees it.
  void MustBeAsDerived() {
    const ScratchFolder scratch;
    const auto key = evidence::ReadPublicKey(layout_);
    ASSERT_TRUE(key);
    const auto report = CheckDerivation(layout_, *key, SmallOptions(), scratch.path(), {});
    ASSERT_TRUE(report) << report.error().message;
  }
  static std::vector<std::string> StateDigests(const StoreLayout& layout) {
    std::vector<std::string> digests;
    const auto catalog = store::LoadCatalog(layout);
    if (!catalog) return {catalog.error().message};
    for (const store::IngestedRecording& recording : catalog->recordings) {
      digests.push_back(recording.state ? recording.state->sha256 : "none");
    }
    return digests;
  }
  /// A store with the same evidence, and nothing derived from it.
  StoreLayout Copy() {
    const StoreLayout copy{scratch_.path() / "copy"};
    std::filesystem::create_directories(copy.root);
    for (const char* part : {"evidence", "key"}) {
      std::filesystem::copy(layout_.root / part, copy.root / part,
                            std::filesystem::copy_options::recursive);
    }
    return copy;
  }

  ScratchFolder scratch_;
  StoreLayout layout_{scratch_.path() / "store"};
};

TEST_P(Pause, LeavesNoTraceInTheTables) {
  auto log =
      evidence::LogWriter::Open({.folder = layout_.evidence(), .key_file = layout_.private_key()});
  ASSERT_TRUE(log) << log.error().message;
  std::mt19937 random(GetParam());
  for (int number = 0; number < 2; ++number) {
    RandomRecording recording(**log, GetParam() + static_cast<std::uint32_t>(number) * 1000);
    for (int batch = 0; batch < 30; ++batch) {
      recording.AddBatch();
      if (random() % 4 != 0) continue;
      ASSERT_TRUE((*log)->Checkpoint());
      if (random() % 4 == 0) CatchUpAndBeKilled(1 + random() % 40);
      MustCatchUp(layout_);
      // A state that is damaged or gone costs time and nothing else.
      if (random() % 8 == 0) {
        for (const auto& file : std::filesystem::directory_iterator(layout_.ingest_state())) {
          std::filesystem::resize_file(file.path(), random() % 2 * 100);
        }
      }
      if (random() % 8 == 0) {
        const StoreLayout copy = Copy();
        {
          // A writer is there, as beside the store itself.
          const auto writer = FileLock::AcquireFolder(copy.evidence(), FileLock::Mode::kWait);
          ASSERT_TRUE(writer);
          MustCatchUp(copy);
        }
        ASSERT_THAT(Difference(AllRows(layout_), AllRows(copy)), IsEmpty())
            << "recording " << number << ", batch " << batch;
        EXPECT_EQ(StateDigests(layout_), StateDigests(copy));
        MustBeAsDerived();
        std::filesystem::remove_all(copy.root);
      }
    }
    if (number == 0 || random() % 2 == 0) recording.Close();
  }
  ASSERT_TRUE((*log)->Close());
  log->reset();
  MustCatchUp(layout_);
  const StoreLayout copy = Copy();
  MustCatchUp(copy);
  const std::vector<std::string> rows = AllRows(copy);
  EXPECT_GT(rows.size(), 1000);
  EXPECT_THAT(Difference(AllRows(layout_), rows), IsEmpty());
  MustBeAsDerived();
  EXPECT_TRUE(std::filesystem::is_empty(layout_.ingest_state()));
}

// One seed where a sanitizer makes everything slow: every history pauses, is killed and damaged.
#ifdef SPOOR_SANITIZED
constexpr std::uint32_t kSeedsEnd = 2;
#else
constexpr std::uint32_t kSeedsEnd = 5;
#endif
INSTANTIATE_TEST_SUITE_P(Seeds, Pause, testing::Range(1U, kSeedsEnd));

}  // namespace
}  // namespace spoor::ingest

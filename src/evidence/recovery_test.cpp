// SPDX-License-Identifier: Apache-2.0
// Writers that are killed, and disks that are full.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "base/check.hpp"
#include "base/file.hpp"
#include "evidence/log_test_support.hpp"
#include "evidence/verify.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

std::uint64_t BytesBelow(const fs::path& folder) {
  std::uint64_t bytes = 0;
  if (!fs::exists(folder)) return 0;
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  return bytes;
}

/// A number that a child process tells its parent through shared memory.
class SharedNumber {
 public:
  SharedNumber()
      : value_(static_cast<std::atomic<std::uint64_t>*>(::mmap(
            nullptr, sizeof(*value_), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    SPOOR_CHECK(value_ != MAP_FAILED) << "mmap";
  }
  SharedNumber(const SharedNumber&) = delete;
  SharedNumber& operator=(const SharedNumber&) = delete;
  ~SharedNumber() { ::munmap(value_, sizeof(*value_)); }
  std::atomic<std::uint64_t>& operator*() { return *value_; }

 private:
  std::atomic<std::uint64_t>* value_;
};

/// Waits until `condition`, but not for a child that ended by itself.
template <typename Condition>
void WaitFor(pid_t child, Condition condition) {
  siginfo_t ended{};
  while (!condition()) {
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    ASSERT_EQ(ended.si_pid, 0) << "the writer ended by itself";
    std::this_thread::yield();
  }
}

/// Runs `body` in a child process, kills it when `until`, told its pid, returns, and waits for its
/// end.
template <typename Body, typename Until>
void RunAndKill(Body body, Until until) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    ::_exit(0);
  }
  until(child);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
}

TEST(Recovery, SetsAsideWhatAKilledWriterLeftBehindItsCheckpoint) {
  const TestStore store;
  SharedNumber ready;
  RunAndKill(
      [&] {
        const auto writer = store.OpenWriter();
        for (std::uint64_t i = 0; i < 300; ++i) (void)writer->Append(TestEntry(i));
        (void)writer->Checkpoint();
        const std::vector<std::byte> large(60'000, std::byte{1});
        for (int i = 0; i < 600; ++i) (void)writer->Append(large);
        *ready = 1;
        for (;;) ::pause();
      },
      [&](pid_t child) { WaitFor(child, [&] { return *ready != 0; }); });
  const auto before = store.Verify();
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->checkpoint.size, 300U);
  EXPECT_GT(before->tail_bytes, 30'000'000U);

  const auto writer = store.OpenWriter();
  EXPECT_EQ(writer->size(), 300U);
  EXPECT_EQ(writer->set_aside_bytes(), before->tail_bytes);
  EXPECT_EQ(BytesBelow(store.root() / "set-aside"), before->tail_bytes);
  ASSERT_TRUE(writer->Append(TestEntry(300)));
  ASSERT_TRUE(writer->Close());
  EXPECT_EQ(store.ReadAll(), 301U);
  const auto after = store.Verify();
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->tail_bytes, 0U);
  std::vector<std::string> names;
  for (const auto& folder : fs::directory_iterator(store.root() / "set-aside")) {
    names.push_back(folder.path().filename().string());
  }
  EXPECT_THAT(names, testing::ElementsAre(testing::EndsWith("Z-behind-entry-300")));
  EXPECT_EQ(store.OpenWriter()->set_aside_bytes(), 0U);
}

TEST(Recovery, DoesNotLookForTilesBehindALink) {
  const TestStore store;
  store.Fill(10);
  fs::rename(store.folder() / "tile", store.root() / "elsewhere");
  fs::create_directory_symlink(store.root() / "elsewhere", store.folder() / "tile");
  const auto writer = LogWriter::Open(store.options());
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kUnverified) << writer.error().message;
}

TEST(Recovery, SetsATornCheckpointAside) {
  const TestStore store;
  store.Fill(10);
  ASSERT_TRUE(WriteFileAtomically(store.folder() / "checkpoint.tmp", AsBytes("test.")));
  ASSERT_TRUE(
      WriteFileAtomically(TemporaryPathFor(store.folder() / "checkpoint"), AsBytes("exam")));
  const auto report = store.Verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->tail_bytes, 9U);
  EXPECT_EQ(store.OpenWriter()->set_aside_bytes(), 9U);
  EXPECT_EQ(store.Verify()->tail_bytes, 0U);
}

/// Appends, checkpoints and sometimes closes and reopens, as fast as it can, until it is killed.
/// `acknowledged`: entries under a checkpoint, told after Checkpoint returned.
void WriteUntilKilled(const TestStore& store, std::uint64_t seed,
                      std::atomic<std::uint64_t>& acknowledged) {
  std::mt19937_64 random(seed);
  const auto end_unless = [](const auto& result, std::string_view what) {
    if (result) return;
    fmt::print(stderr, "{}: {}\n", what, result.error().message);
    ::_exit(1);
  };
  for (;;) {
    auto writer = LogWriter::Open(store.options());
    end_unless(writer, "open");
    for (std::uint64_t i = random() % 8; i-- > 0;) {
      for (std::uint64_t count = random() % 400; count-- > 0;) {
        end_unless((*writer)->Append(TestEntry((*writer)->size())), "append");
      }
      end_unless((*writer)->Checkpoint(), "checkpoint");
      acknowledged = (*writer)->size();
    }
    end_unless((*writer)->Close(), "close");
    acknowledged = (*writer)->size();
  }
}

TEST(Recovery, LosesNothingAcknowledgedInAThousandKills) {
  // On memory where there is some, so that a thousand rounds take seconds; what reaches a disk
  // after a power cut is the order of fsyncs, which strace shows and no kill can test.
  const TestStore store(ScratchFolder::MemoryFolder());
  std::mt19937_64 random(20261121);
  SharedNumber acknowledged;
  store.Fill(1);
  *acknowledged = 1;
  std::uint64_t last_size = 1;
  int acknowledging_rounds = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::uint64_t before = *acknowledged;
    RunAndKill([&] { WriteUntilKilled(store, random(), *acknowledged); },
               [&](pid_t child) {
                 // Three rounds of four have something to lose, however slow the machine is. The
                 // moment after that is what is being tried: there is no event to wait for.
                 if (round % 4 != 0) WaitFor(child, [&] { return *acknowledged > before; });
                 ::usleep(static_cast<useconds_t>(random() % 4000));
               });
    if (HasFatalFailure()) return;
    acknowledging_rounds += *acknowledged > before ? 1 : 0;
    const auto reader = LogReader::Open(store.folder(), store.verifier_key());
    ASSERT_TRUE(reader) << "round " << round << ": " << reader.error().message;
    ASSERT_GE((*reader)->size(), *acknowledged) << "round " << round;
    // Reads what is new, and the bundle before it.
    const std::uint64_t first = last_size - std::min<std::uint64_t>(last_size, 300);
    const auto read = (*reader)->ForEach(first, [](std::uint64_t index, auto entry) -> Result<> {
      if (AsText(entry) == AsText(TestEntry(index))) return {};
      return Fail(ErrorCode::kCorrupt, "entry {} is another", index);
    });
    ASSERT_TRUE(read) << "round " << round << ": " << read.error().message;
    last_size = (*reader)->size();
    if (round % 50 != 49) continue;
    const auto report = store.Verify();
    ASSERT_TRUE(report) << "round " << round << ": " << report.error().message;
  }
  store.Fill(last_size + 1);
  EXPECT_EQ(store.ReadAll(), last_size + 1);
  EXPECT_GE(acknowledging_rounds, 750);
}

/// Runs `body` in a child process and calls `look` as it enters each of its system calls: what is
/// on the disk then is what a kill at that moment would leave.
template <typename Body, typename Look>
void RunAndLookAtEveryCall(Body body, Look look) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    body();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  for (bool entered = true; WIFSTOPPED(status); entered = !entered) {
    if (entered) look();
    if (testing::Test::HasFailure()) ::kill(child, SIGKILL);
    ASSERT_EQ(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
    ASSERT_EQ(::waitpid(child, &status, 0), child);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

/// Takes up a log of `checkpointed` entries behind which a killed writer left `behind` more, and
/// goes on with whatever a kill in the midst of that would have left.
void KillRecoveryAtEveryCall(std::uint64_t checkpointed, std::uint64_t behind) {
  const TestStore store(ScratchFolder::MemoryFolder());
  store.Fill(checkpointed);
  SharedNumber ready;
  RunAndKill(
      [&] {
        const auto writer = store.OpenWriter();
        for (std::uint64_t i = 0; i < behind; ++i) (void)writer->Append(TestEntry(writer->size()));
        *ready = 1;
        for (;;) ::pause();
      },
      [&](pid_t child) { WaitFor(child, [&] { return *ready != 0; }); });
  std::map<std::string, std::string> last;
  int state_count = 0;
  const auto look = [&] {
    std::map<std::string, std::string> files = store.Files();
    if (files == last) return;
    last = std::move(files);
    SCOPED_TRACE(
        fmt::format("{} entries, {} behind, state {}", checkpointed, behind, ++state_count));
    const ScratchFolder copy(ScratchFolder::MemoryFolder());
    fs::copy(store.root(), copy.path(), fs::copy_options::recursive);
    LogOptions options = store.options();
    options.folder = copy.path() / "evidence";
    const auto verify = [&] {
      return VerifyLog({.folder = options.folder,
                        .public_key = store.verifier_key(),
                        .progress = {},
                        .visit = {}});
    };
    const auto left = verify();
    ASSERT_TRUE(left) << left.error().message;
    EXPECT_EQ(left->checkpoint.size, checkpointed);
    const auto writer = LogWriter::Open(options);
    ASSERT_TRUE(writer) << writer.error().message;
    while ((*writer)->size() <= checkpointed + behind) {
      ASSERT_TRUE((*writer)->Append(TestEntry((*writer)->size())));
    }
    const auto closed = (*writer)->Close();
    ASSERT_TRUE(closed) << closed.error().message;
    const auto after = verify();
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->checkpoint.size, checkpointed + behind + 1);
    EXPECT_EQ(after->tail_bytes, 0U);
  };
  RunAndLookAtEveryCall([&] { ::_exit(LogWriter::Open(store.options()) ? 0 : 3); }, look);
  EXPECT_GE(state_count, 5);
}

TEST(Recovery, MayItselfBeKilledAtAnySystemCall) {
  KillRecoveryAtEveryCall(256, 600);  // whole tiles behind a whole one: nothing of them counts
  KillRecoveryAtEveryCall(300, 600);  // and behind one of which a part does
}

/// A file system of one megabyte, for as long as it lives.
class TinyDisk {
 public:
  TinyDisk() {
    mounted_ = ::mount("none", folder().c_str(), "tmpfs", 0, "size=1m") == 0;
    errno_number_ = errno;
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;
  ~TinyDisk() {
    if (mounted_) ::umount2(folder().c_str(), MNT_DETACH);
  }
  /// Whether the machine has no such file system or does not let us mount it.
  bool IsRefused() const {
    return !mounted_ && (errno_number_ == EPERM || errno_number_ == EACCES ||
                         errno_number_ == ENODEV || errno_number_ == ENOSYS);
  }
  bool mounted() const { return mounted_; }
  int errno_number() const { return errno_number_; }
  const fs::path& folder() const { return mount_point_.path(); }

 private:
  ScratchFolder mount_point_;
  bool mounted_ = false;
  int errno_number_ = 0;
};

TEST(Recovery, SurvivesAFullDiskAndContinuesWhenThereIsSpace) {
  const TinyDisk disk;
  if (disk.IsRefused()) {
    GTEST_SKIP() << "a tmpfs cannot be mounted here: " << ErrnoText(disk.errno_number());
  }
  ASSERT_TRUE(disk.mounted()) << ErrnoText(disk.errno_number());
  const TestStore store(disk.folder());
  const fs::path ballast = disk.folder() / "ballast";
  ASSERT_TRUE(WriteFileAtomically(ballast, std::vector<std::byte>(300'000)));
  std::uint64_t acknowledged = 0;
  for (const std::size_t ballast_bytes : {300'000U, 200'000U, 100'000U}) {
    auto writer = store.OpenWriter();
    EXPECT_EQ(writer->size(), acknowledged);
    Result<> result;
    while (result) {
      for (int i = 0; i < 100 && result; ++i) {
        const auto appended = writer->Append(TestEntry(writer->size()));
        if (!appended) result = tl::unexpected<Error>(appended.error());
      }
      if (result) result = writer->Checkpoint();
      if (result) acknowledged = writer->size();
    }
    EXPECT_EQ(result.error().code, ErrorCode::kIo);
    EXPECT_THAT(result.error().message, testing::HasSubstr("No space left"));
    const auto again = writer->Append(TestEntry(0));
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message, testing::HasSubstr("closed for writing"));
    EXPECT_FALSE(writer->Checkpoint());
    writer.reset();
    EXPECT_EQ(store.ReadAll(), acknowledged);
    const auto report = store.Verify();
    ASSERT_TRUE(report) << report.error().message;
    // Space is freed.
    fs::resize_file(ballast, ballast_bytes - 100'000);
  }
  const auto writer = store.OpenWriter();
  EXPECT_EQ(writer->size(), acknowledged);
  ASSERT_TRUE(writer->Append(TestEntry(acknowledged)));
  ASSERT_TRUE(writer->Close());
  EXPECT_EQ(store.ReadAll(), acknowledged + 1);
}

}  // namespace
}  // namespace spoor::evidence

// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <numeric>

#include "base/time.hpp"
#include "tests/kernel/recording.hpp"
#include "tests/machine/probes.hpp"

namespace spoor::sensor {
namespace {

using ::testing::Ge;
using ::testing::SizeIs;

// Not the payload class: its records are there.
std::uint64_t LostRecords(const KernelSource::Loss& loss) {
  return std::accumulate(loss.count.begin(), loss.count.begin() + LOSS_PAYLOAD, std::uint64_t{0});
}

// Besides what a preemptible kernel skipped, of any process.
void ExpectMissedCount(Recording& recording, std::uint64_t count) {
  const std::uint64_t skipped_before = Recording::SkippedByKernel();
  const auto loss = recording.source().ReadLoss();
  ASSERT_TRUE(loss);
  EXPECT_GE(loss->count[LOSS_MISSED_HOOK], count + skipped_before);
  EXPECT_LE(loss->count[LOSS_MISSED_HOOK], count + Recording::SkippedByKernel());
}

TEST(Loss, IsCountedToTheRecordWhenNobodyReads) {
  KernelSourceOptions options = TreeOptions();
  options.ring_bytes = 256 << 10;
  START_RECORDING(recording, options);
  static constexpr std::uint64_t kWrites = 30'000, kOpens = 3'000, kUnlinks = 2'000,
                                 kGroups = 1'000;
  const pid_t pid = recording.Fork([](Facts&) {
    const int fd = memfd_create("flood", 0);
    for (std::uint64_t i = 0; i < kWrites; i++) TRIGGER_CHECK(write(fd, "x", 1) == 1);
    for (std::uint64_t i = 0; i < kOpens; i++) TRIGGER_CHECK(open("/nowhere", O_RDONLY) == -1);
    for (std::uint64_t i = 0; i < kUnlinks; i++) TRIGGER_CHECK(unlink("/nowhere") == -1);
    for (std::uint64_t i = 0; i < kGroups; i++) TRIGGER_CHECK(setpgid(0, 0) == 0);
    raise(SIGSTOP);
    // One record on every CPU, which tells how many of it are missing before.
    cpu_set_t all;
    TRIGGER_CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
      if (!CPU_ISSET(cpu, &all)) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      TRIGGER_CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
      TRIGGER_CHECK(setsid() == -1);
    }
  });
  ASSERT_TRUE(recording.source().AddTree(static_cast<std::uint32_t>(pid), 0));
  recording.Go();
  recording.WaitUntilStopped(pid);
  const auto in_flood = recording.source().ReadLoss();
  ASSERT_TRUE(in_flood);
  EXPECT_GT(in_flood->count[LOSS_IO], 0u) << "the flood did not fill the ring";
  const auto delivered = [&](int kind) { return recording.Read(kind, pid).size(); };
  // All of them, but for what a preemptible kernel skipped and counted.
  std::uint64_t skipped = in_flood->count[LOSS_MISSED_HOOK];
  EXPECT_LE(skipped, Recording::SkippedByKernel());
  const auto expect_counted = [&](std::uint64_t counted, std::uint64_t happened) {
    ASSERT_LE(counted, happened);
    ASSERT_LE(happened - counted, skipped);
    skipped -= happened - counted;
  };
  expect_counted(delivered(RECORD_IO) + in_flood->count[LOSS_IO], kWrites + kOwnReads);
  expect_counted(
      delivered(RECORD_OPEN) + delivered(RECORD_CLOSE) + in_flood->count[LOSS_DESCRIPTOR],
      1 + kOpens + kOwnCloses);
  expect_counted(delivered(RECORD_PATH) + in_flood->count[LOSS_NAMESPACE], kUnlinks);
  // raise sent the signal that stopped it.
  expect_counted(
      delivered(RECORD_SESSION) + delivered(RECORD_SIGNAL) + in_flood->count[LOSS_PROCESS],
      kGroups + 1);
  kill(pid, SIGCONT);
  recording.WaitFor(pid);
  const std::size_t records = recording.Read().size();
  const auto loss = recording.source().ReadLoss();
  ASSERT_TRUE(loss);
  EXPECT_EQ(recording.missing_count(), LostRecords(*loss));
  EXPECT_EQ(loss->recorded_count, records);
}

TEST(Loss, ShedsPayloadBeforeRecords) {
  KernelSourceOptions options = TreeOptions();
  options.ring_bytes = 1 << 20;
  options.payload_bytes_max = 4096;
  options.payload_bytes_per_second = 1ull << 40;
  START_RECORDING(recording, options);
  static constexpr std::uint64_t kWrites = 1'000;
  const pid_t pid = recording.Run([](Facts&) {
    const int fd = memfd_create("flood", 0);
    static char block[4096];
    for (std::uint64_t i = 0; i < kWrites; i++)
      TRIGGER_CHECK(pwrite(fd, block, sizeof(block), 0) == sizeof(block));
  });
  std::uint64_t shed = 0, whole = 0;
  for (const Record& record : recording.Read(RECORD_IO, pid)) {
    if (record.As<io_record>().direction != IO_OUT) continue;
    const auto status = record.As<io_record>().payload.status;
    shed += status == TAIL_SHED;
    whole += status == TAIL_WHOLE;
  }
  const auto loss = recording.source().ReadLoss();
  ASSERT_TRUE(loss);
  EXPECT_EQ(loss->count[LOSS_IO], 0u);
  EXPECT_EQ(loss->count[LOSS_PAYLOAD], shed);
  EXPECT_GT(shed, 0u);
  EXPECT_EQ(shed + whole, kWrites);
}

TEST(Loss, KeepsPayloadWithinItsBudget) {
  KernelSourceOptions options = TreeOptions();
  options.payload_bytes_max = 100;
  options.payload_bytes_per_second = 1000;
  START_RECORDING(recording, options);
  for (;;) {
    const std::uint64_t before_ns = BootNow();
    const pid_t pid = recording.Run([](Facts&) {
      const int fd = memfd_create("budget", 0);
      static char block[100];
      for (int i = 0; i < 30; i++) TRIGGER_CHECK(write(fd, block, sizeof(block)) == sizeof(block));
    });
    // On a busy machine the trigger may see more than the end of one second: that says nothing.
    if (BootNow() - before_ns > 1'000'000'000) continue;
    std::uint64_t payload_bytes = 0;
    for (const Record& record : recording.Read(RECORD_IO, pid))
      payload_bytes += record.As<io_record>().payload.length_bytes;
    // Two seconds' budgets, should a second end within the trigger.
    EXPECT_GE(payload_bytes, 900u);
    EXPECT_LE(payload_bytes, 2000u);
    break;
  }
}

TEST(Loss, Counts32BitCallsThatItDoesNotRead) {
  if (const std::string why = machine::WhyItRefuses32BitCalls(); !why.empty()) GTEST_SKIP() << why;
#ifdef __x86_64__
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts&) {
    for (int i = 0; i < 10; i++) {
      long result = 0;
      asm volatile("int $0x80"
                   : "=a"(result)
                   : "a"(20L /* getpid */)
                   : "memory", "r8", "r9", "r10", "r11");
      TRIGGER_CHECK(result == getpid());
    }
  });
  // By the 64-bit table number 20 is writev, which would have been recorded.
  EXPECT_THAT(recording.Read(RECORD_IO, pid), SizeIs(kOwnReads));
  ExpectMissedCount(recording, 10);
#endif
}

TEST(Loss, IsNotReportedForSignalHandlers) {
  START_RECORDING(recording, TreeOptions());
  recording.Run([](Facts&) {
    signal(SIGUSR1, [](int) {});
    for (int i = 0; i < 10; i++) raise(SIGUSR1);
  });
  ExpectMissedCount(recording, 0);  // rt_sigreturn has no call number of its own
}

TEST(Drain, SaysUntilWhenNothingMoreCanCome) {
  START_RECORDING(recording, TreeOptions());
  std::vector<std::byte> chunks;
  for (int i = 0; i < 20; i++) {
    recording.Run([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
    const std::uint64_t before_ns = BootNow();
    const auto complete = recording.source().Drain(chunks);
    ASSERT_TRUE(complete);
    EXPECT_THAT(*complete, Ge(before_ns));
    EXPECT_LE(*complete, BootNow());
  }
  recording.Parse(chunks);
  const auto loss = recording.source().ReadLoss();
  ASSERT_TRUE(loss);
  // Kernels from 7.0 on skip a program that preempted itself on the same CPU; then they count it.
  EXPECT_GE(recording.Read(RECORD_SESSION).size() + loss->count[LOSS_MISSED_HOOK], 20u);
  EXPECT_LE(recording.Read(RECORD_SESSION).size(), 20u);
}

TEST(Drain, SaysUntilWhenInAFloodToo) {
  KernelSourceOptions options = TreeOptions();
  options.ring_bytes = 256 << 10;
  START_RECORDING(recording, options);
  const pid_t pid = recording.Fork([](Facts& facts) {
    const int fd = memfd_create("flood", 0);
    const std::atomic_ref<std::int64_t> stop(facts.number[0]);
    while (stop == 0) TRIGGER_CHECK(pwrite(fd, "x", 1, 0) == 1);
  });
  ASSERT_TRUE(recording.source().AddTree(static_cast<std::uint32_t>(pid), 0));
  recording.Go();
  std::uint64_t complete_until_ns = 0, lost = 0;
  for (int round = 0; round < 50; round++) {
    // Until the ring is full again, so that Drain finds no room that the hooks left by chance.
    for (std::uint64_t before = lost; lost == before; sched_yield())
      lost = recording.source().ReadLoss()->count[LOSS_IO];
    const std::uint64_t now_ns = BootNow();
    std::vector<std::byte> chunks;
    const auto complete = recording.source().Drain(chunks);
    ASSERT_TRUE(complete);
    EXPECT_THAT(*complete, Ge(now_ns)) << "round " << round;
    const std::size_t known = recording.records().size();
    recording.Parse(chunks);
    for (std::size_t i = known; i < recording.records().size(); i++)
      ASSERT_THAT(recording.records()[i].header().boot_ns, Ge(complete_until_ns));
    complete_until_ns = *complete;
  }
  std::atomic_ref<std::int64_t>(recording.facts().number[0]) = 1;
  recording.WaitFor(pid);
  EXPECT_EQ(recording.source().ReadLoss()->count[LOSS_PROCESS], 0u);
}

TEST(Detach, EndsTheRecording) {
  START_RECORDING(recording, TreeOptions());
  recording.Run([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
  ASSERT_TRUE(recording.source().Detach());
  recording.Run([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
  EXPECT_THAT(recording.Read(RECORD_SESSION), SizeIs(1)) << "what came before is still delivered";
}

}  // namespace
}  // namespace spoor::sensor

// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "base/file.hpp"
#include "base/store_layout.hpp"
#include "tests/machine/probes.hpp"
#include "tests/record/program.hpp"

namespace spoor {
namespace {

using event::Event;
using event::EventKind;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RecordTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { why_not_ = machine::WhyItCannotRecord(); }
  void SetUp() override {
    if (!why_not_.empty()) GTEST_SKIP() << why_not_;
  }

  std::filesystem::path Store() const { return folder_.path() / "store"; }
  std::vector<std::string> Record(const std::vector<std::string>& rest) const {
    std::vector<std::string> words{SPOOR_PROGRAM, "record", "--to", Store()};
    words.insert(words.end(), rest.begin(), rest.end());
    return words;
  }
  // Until `condition`; a test that hangs is ended at last.
  template <typename Condition>
  static bool WaitUntil(const Condition& condition) {
    for (int i = 0; i < 90'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  static std::size_t CountLoss(const std::vector<Event>& events) {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [](const Event& event) {
          return event.kind == EventKind::kLoss && event.loss->loss_class != "missed_hook";
        }));
  }

  TestFolder folder_;

 private:
  static inline std::string why_not_;
};

TEST_F(RecordTest, CommandKeepsItsStreamsAndRecordSaysHowItEnded) {
  const FinishedProgram done =
      RunProgram(Record({"--", "sh", "-c", "echo to-out; echo to-err >&2; exit 3", "--", "-x"}));
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.out, "to-out\n");
  EXPECT_THAT(done.err, HasSubstr("to-err\n"));
  EXPECT_THAT(done.err, HasSubstr("command exited 3"));
  const Result<StoredRecordings> stored = VerifyAndDecode(Store());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->recording_count, 1U);
  EXPECT_EQ(stored->closed_count, 1U);
  EXPECT_EQ(stored->malformed_count, 0U);
  EXPECT_EQ(CountLoss(stored->events), 0U);
  const auto exec = std::find_if(stored->events.begin(), stored->events.end(),
                                 [](const Event& e) { return e.kind == EventKind::kExec; });
  ASSERT_NE(exec, stored->events.end());
  EXPECT_THAT(exec->arguments, testing::ElementsAre("sh", "-c", testing::_, "--", "-x"));
}

TEST_F(RecordTest, SigtermEndsItCleanlyWithTheTailFlushed) {
  const std::filesystem::path flag = folder_.path() / "flag";
  RunningProgram recorder(Record({"--", "sh", "-c",
                                  "trap 'touch " + flag.string() + ".last; exit 0' TERM; touch " +
                                      flag.string() + "; while :; do sleep 0.05; done"}),
                          folder_.path());
  ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(flag); }));
  recorder.Signal(SIGTERM);
  EXPECT_EQ(recorder.Wait(), 0) << recorder.Stderr();
  const Result<StoredRecordings> stored = VerifyAndDecode(Store());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->closed_count, 1U);
  EXPECT_TRUE(std::any_of(stored->events.begin(), stored->events.end(), [&](const Event& event) {
    return event.kind == EventKind::kOpen && event.path == flag.string() + ".last";
  })) << "the last thing that the command did is not there";
}

TEST_F(RecordTest, HangupAndQuitEndARecordingInOrder) {
  for (const int signal_number : {SIGHUP, SIGQUIT}) {
    const std::filesystem::path folder = folder_.path() / std::to_string(signal_number);
    std::filesystem::create_directory(folder);
    const std::filesystem::path store = folder / "store";
    RunningProgram recorder({SPOOR_PROGRAM, "record", "--to", store, "--for", "5m"}, folder);
    ASSERT_TRUE(
        WaitUntil([&] { return recorder.Stderr().find("recording") != std::string::npos; }));
    recorder.Signal(signal_number);
    EXPECT_EQ(recorder.Wait(), 0) << recorder.Stderr();
    EXPECT_THAT(recorder.Stderr(),
                HasSubstr(std::string("ended: signal SIG") + sigabbrev_np(signal_number)));
    const Result<StoredRecordings> stored = VerifyAndDecode(store);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->closed_count, 1U);
  }
}

TEST_F(RecordTest, MachineRecordingEndsAfterItsTime) {
  const FinishedProgram done = RunProgram(Record({"--for", "300ms", "--host", "named"}));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("ended: duration"));
  const Result<StoredRecordings> stored = VerifyAndDecode(Store());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->closed_count, 1U);
  const auto own = std::find_if(stored->events.begin(), stored->events.end(), [](const Event& e) {
    return e.kind == EventKind::kProcess && e.process.pid == static_cast<std::uint32_t>(getpid());
  });
  ASSERT_NE(own, stored->events.end()) << "the baseline lacks this test";
  EXPECT_EQ(own->host, "named");
}

TEST_F(RecordTest, EventsComeOutInTheOrderOfTime) {
  ASSERT_EQ(RunProgram(Record({"--", "sh", "-c", "for i in 1 2 3; do ls / | sort | wc -l; done"}))
                .exit_code,
            0);
  const Result<StoredRecordings> stored = VerifyAndDecode(Store());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_TRUE(std::is_sorted(
      stored->events.begin(), stored->events.end(),
      [](const Event& left, const Event& right) { return left.end_boot_ns < right.end_boot_ns; }));
  EXPECT_GT(stored->events.size(), 300U);
}

TEST_F(RecordTest, KilledAtAnyMomentLeavesAStoreThatVerifiesAndOpensAgain) {
  std::mt19937 random(20261121);
  constexpr int kRounds = 8;
  constexpr int kFirstRecordingRound = 2;
  constexpr int kFirstWritingRound = 4;
  const std::filesystem::path checkpoint = StoreLayout{Store()}.evidence() / "checkpoint";
  for (int round = 0; round < kRounds; ++round) {
    const auto checkpoint_before = ReadTextFile(checkpoint, 4096).value_or("");
    {
      RunningProgram recorder(Record({"--", "sh", "-c", "while :; do ls / /etc > /dev/null; done"}),
                              folder_.path());
      // The first rounds die while starting, the next while recording, the others when they wrote.
      if (round >= kFirstRecordingRound) {
        ASSERT_TRUE(
            WaitUntil([&] { return recorder.Stderr().find("recording") != std::string::npos; }));
      }
      if (round >= kFirstWritingRound) {
        ASSERT_TRUE(WaitUntil(
            [&] { return ReadTextFile(checkpoint, 4096).value_or("") != checkpoint_before; }));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
      recorder.Signal(SIGKILL);
      recorder.Wait();
    }
    if (!std::filesystem::exists(checkpoint)) continue;
    const Result<StoredRecordings> stored = VerifyAndDecode(Store());
    ASSERT_TRUE(stored) << "round " << round << ": " << stored.error().message;
    EXPECT_EQ(stored->malformed_count, 0U);
  }
  const FinishedProgram after = RunProgram(Record({"--", "true"}));
  EXPECT_EQ(after.exit_code, 0) << after.err;
  const Result<StoredRecordings> stored = VerifyAndDecode(Store());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->closed_count, 1U);
  EXPECT_GE(stored->recording_count, kRounds - kFirstWritingRound + 1U);
}

TEST_F(RecordTest, SecondRecorderOnTheSameStoreIsRefused) {
  RunningProgram first(Record({"--", "sleep", "infinity"}), folder_.path());
  ASSERT_TRUE(WaitUntil([&] { return first.Stderr().find("recording") != std::string::npos; }));
  const FinishedProgram second = RunProgram(Record({"--", "true"}));
  EXPECT_EQ(second.exit_code, 5);
  EXPECT_EQ(std::count(second.err.begin(), second.err.end(), '\n'), 1) << second.err;
  // One signal reaches the command, which ends by it; the recording is whole.
  first.Signal(SIGINT);
  EXPECT_EQ(first.Wait(), 0) << first.Stderr();
  EXPECT_TRUE(VerifyAndDecode(Store()));
}

TEST_F(RecordTest, FullDiskEndsItWithWhatIsStoredVerified) {
  const std::string disk = folder_.path() / "disk";
  std::filesystem::create_directory(disk);
  // The small disk is seen by this shell and its children only; what it holds is copied out.
  const std::string script = "mount -t tmpfs -o size=400k none " + disk + " && " SPOOR_PROGRAM +
                             " record --to " + disk +
                             "/store -- sh -c 'while :; do ls -lR /usr/include > "
                             "/dev/null; done'; code=$?; cp -r " +
                             disk + "/store " + folder_.path().string() + "; exit $code";
  const FinishedProgram done = RunProgram({"unshare", "-m", "sh", "-c", script});
  EXPECT_EQ(done.exit_code, 5) << done.err;
  EXPECT_THAT(done.err, HasSubstr("No space left on device"));
  EXPECT_THAT(done.err, HasSubstr("was not stored of them is LOST"));
  EXPECT_THAT(done.err, HasSubstr("were read again"));
  EXPECT_THAT(done.err, Not(HasSubstr("nothing was lost")));
  const Result<StoredRecordings> stored = VerifyAndDecode(Store());
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_GT(stored->entry_count, 1U);
  EXPECT_EQ(stored->closed_count, 0U);
}

TEST_F(RecordTest, StoreRemovedUnderTheRecorderIsSaidToBeGone) {
  // The last thing that happens: what is left to write may be nothing at all.
  for (const char* after : {"", "; for i in 1 2 3 4 5 6 7 8; do ls /usr/lib > /dev/null; done"}) {
    const FinishedProgram done =
        RunProgram(Record({"--", "sh", "-c", "rm -rf " + Store().string() + after}));
    EXPECT_EQ(done.exit_code, 5) << done.err;
    EXPECT_THAT(done.err, HasSubstr("NOT in " + Store().string()));
    EXPECT_THAT(done.err, Not(HasSubstr("nothing was lost")));
    EXPECT_THAT(done.err, Not(HasSubstr("safe")));
    std::filesystem::remove_all(Store());
  }
}

TEST_F(RecordTest, PartOfTheStoreRemovedUnderTheRecorderIsNoticedAtItsEnd) {
  const std::string entries = (Store() / "evidence" / "tile" / "entries").string();
  const FinishedProgram done = RunProgram(Record(
      {"--", "sh", "-c", "until [ -e " + entries + " ]; do sleep 0.01; done; rm -r " + entries}));
  EXPECT_EQ(done.exit_code, 5) << done.err;
  EXPECT_THAT(done.err, AnyOf(HasSubstr("NOT in " + Store().string()),
                              HasSubstr("nothing of it is in " + Store().string())));
  EXPECT_THAT(done.err, Not(HasSubstr("nothing was lost")));
}

TEST_F(RecordTest, FolderThatIsNoStoreIsRefusedAndLeftAsItIs) {
  const std::filesystem::path letters = folder_.path() / "letters";
  const std::filesystem::path pictures = folder_.path() / "pictures";
  std::filesystem::create_directories(letters);
  std::filesystem::create_directories(pictures / "evidence" / "tile");
  std::ofstream(letters / "a letter") << "dear";
  std::ofstream(pictures / "evidence" / "picture") << "of a cat";
  for (const std::filesystem::path& folder : {letters, pictures}) {
    const FinishedProgram done =
        RunProgram({SPOOR_PROGRAM, "record", "--to", folder, "--", "true"});
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr(folder.string() + ": holds something, but no store"));
  }
  const auto count = [](const std::filesystem::path& folder) {
    return std::distance(std::filesystem::recursive_directory_iterator(folder), {});
  };
  EXPECT_EQ(count(letters), 1);
  EXPECT_EQ(count(pictures), 3);
  // An empty folder, and what a recorder left that was killed at its very beginning, may become
  // one.
  const std::filesystem::path begun = folder_.path() / "begun";
  std::filesystem::create_directories(begun / "evidence");
  EXPECT_EQ(RunProgram({SPOOR_PROGRAM, "record", "--to", begun, "--", "true"}).exit_code, 0);
}

TEST_F(RecordTest, ProcessesThatTheCommandLeavesBehindAreSaidToBeUnrecorded) {
  const std::filesystem::path pid_file = folder_.path() / "pid";
  const FinishedProgram done =
      RunProgram(Record({"--", "sh", "-c", "sleep 600 & echo $! > " + pid_file.string()}));
  pid_t left = 0;
  std::ifstream(pid_file) >> left;
  ASSERT_GT(left, 0);
  kill(left, SIGKILL);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("1 processes that the command started still run"));
  const FinishedProgram asked =
      RunProgram({SPOOR_PROGRAM, "query", "--store", Store(), "files_deleted"});
  EXPECT_EQ(asked.exit_code, 4) << "what went on is not known: " << asked.out << asked.err;
  EXPECT_THAT(asked.err + asked.out, HasSubstr("1 of the processes that the command had started"));
}

TEST_F(RecordTest, RefusesWithOneLineAndTheDocumentedExitCode) {
  struct Case {
    std::vector<std::string> words;
    int exit_code;
    std::string says;
  };
  const std::string no_policy = folder_.path() / "none.yaml";
  const Case cases[] = {
      {{"--to", "https://collector:1", "--for", "1s"}, 2, "needs --keys"},
      {{"--to", Store(), "--profile", "paranoid", "--for", "1s"}, 2, "unknown profile paranoid"},
      {{"--to", Store(), "--policy", no_policy, "--for", "1s"}, 5, "none.yaml"},
      {{"--to", Store(), "--for", "never"}, 2, "never"},
      {{"--to", Store(), "--for", "0"}, 2, "--for 0"},
      {{"--to", Store(), "--scope", "cgroup:/no/such"}, 5, "/no/such"},
      {{"--to", Store(), "--scope", "pid:1"}, 2, "cgroup:PATH"},
      {{"--to", Store(), "--", "no-such-command-here"}, 5, "no-such-command-here"},
      {{"--to", "/proc/spoor", "--", "true"}, 5, "/proc/spoor"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> words{SPOOR_PROGRAM, "record"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const FinishedProgram done = RunProgram(words);
    EXPECT_EQ(done.exit_code, c.exit_code) << done.err;
    EXPECT_THAT(done.err, HasSubstr(c.says));
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
    EXPECT_THAT(done.out, IsEmpty());
  }
  EXPECT_FALSE(std::filesystem::exists(Store())) << "a refused recording leaves nothing behind";
}

TEST_F(RecordTest, WithoutPrivilegesSaysSoAndLeavesNothing) {
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  std::vector<std::string> words{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  for (const std::string& word : Record({"--", "true"})) words.push_back(word);
  const FinishedProgram done = RunProgram(words);
  EXPECT_EQ(done.exit_code, 5);
  EXPECT_THAT(done.err, HasSubstr("needs root"));
  EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
  EXPECT_FALSE(std::filesystem::exists(Store()));
}

}  // namespace
}  // namespace spoor

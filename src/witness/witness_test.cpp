// SPDX-License-Identifier: Apache-2.0
#include "witness/witness.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "evidence/cosignature.hpp"
#include "evidence/fuzz_support.hpp"
#include "evidence/tree.hpp"
#include "witness/request.hpp"

namespace spoor::witness {
namespace {

namespace fs = std::filesystem;
using evidence::Checkpoint;
using evidence::Hash;
using testing::HasSubstr;

/// A history of a log in memory, with the key of FuzzLog.
class History {
 public:
  explicit History(const evidence::FuzzLog& log) : log_(log) {}

  void Grow(std::uint64_t size, char branch) {
    while (leaves_.size() < size) {
      leaves_.push_back(hasher_.Leaf(AsBytes(fmt::format("{}{}", branch, leaves_.size()))));
    }
  }
  Hash Node(unsigned level, std::uint64_t index) {
    if (level == 0) return leaves_.at(index);
    return hasher_.Node(Node(level - 1, 2 * index), Node(level - 1, 2 * index + 1));
  }
  std::string Request(std::uint64_t old_size, std::uint64_t size) {
    const auto node = [this](unsigned level, std::uint64_t index) -> Result<Hash> {
      return Node(level, index);
    };
    const std::string text = evidence::FormatCheckpoint({.origin = log_.verifier.name,
                                                         .size = size,
                                                         .root = *evidence::PrefixRoot(size, node),
                                                         .signed_wall_ns = 0,
                                                         .other_signatures = 0});
    return FormatAddCheckpoint({.old_size = old_size,
                                .proof = *evidence::ProveConsistency(old_size, size, node),
                                .checkpoint = SignNote(text, log_.verifier, log_.key)});
  }

 private:
  const evidence::FuzzLog& log_;
  evidence::TreeHasher hasher_;
  std::vector<Hash> leaves_;
};

class WitnessTest : public testing::Test {
 protected:
  fs::path folder() const { return log_.scratch.path() / "witness"; }
  Result<std::unique_ptr<Witness>> TryOpen() {
    return Witness::Open({.folder = folder(),
                          .name = "witness.example/test",
                          .logs = {log_.verifier},
                          .narrate = [this](const std::string& line) { told_.push_back(line); }});
  }
  std::unique_ptr<Witness> Open() {
    auto witness = TryOpen();
    EXPECT_TRUE(witness) << witness.error().message;
    return std::move(*witness);
  }
  fs::path StateFile() const {
    const std::string path = CosignedCheckpointPath(log_.verifier.name);
    return folder() / "logs" / path.substr(1, path.rfind('/') - 1);
  }
  std::string LatestPath() const { return CosignedCheckpointPath(log_.verifier.name); }

  evidence::FuzzLog log_;
  History history_{log_};
  std::vector<std::string> told_;
};

TEST_F(WitnessTest, RemembersBeforeItAnswersAndAfterItEnded) {
  history_.Grow(100, 'a');
  std::string line;
  {
    const auto witness = Open();
    EXPECT_EQ(witness->Answer(LatestPath()).status, 404);
    const http::Answer answer = witness->AddCheckpoint(history_.Request(0, 60));
    ASSERT_EQ(answer.status, 200) << answer.body;
    line = answer.body;
    EXPECT_THAT(*ReadTextFile(StateFile(), 1 << 16), HasSubstr(line));
  }
  const auto witness = Open();
  EXPECT_THAT(witness->Answer(LatestPath()).body, HasSubstr(line));
  const http::Answer late = witness->AddCheckpoint(history_.Request(0, 70));
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(late.content_type, kSizeContentType);
  EXPECT_EQ(late.body, "60\n");
  EXPECT_EQ(witness->AddCheckpoint(history_.Request(60, 100)).status, 200);
}

TEST_F(WitnessTest, DoesNotCosignWhatItCannotRemember) {
  history_.Grow(10, 'a');
  const auto witness = Open();
  fs::remove_all(folder() / "logs");
  EXPECT_EQ(witness->AddCheckpoint(history_.Request(0, 5)).status, 503);
  EXPECT_EQ(witness->Answer(LatestPath()).status, 404);
  EXPECT_EQ(told_.size(), 1U);
  fs::create_directory(folder() / "logs");
  EXPECT_EQ(witness->AddCheckpoint(history_.Request(0, 5)).status, 200);
}

TEST_F(WitnessTest, CosignsOneHistoryWhenTwoAreShownAtOnce) {
  History other{log_};
  history_.Grow(64, 'a');
  other.Grow(64, 'b');
  const auto witness = Open();
  std::vector<std::string> requests;
  for (std::uint64_t size = 1; size <= 64; ++size) {
    for (const std::uint64_t old_size : {size - 1, std::uint64_t{0}}) {
      requests.push_back(history_.Request(old_size, size));
      requests.push_back(other.Request(old_size, size));
    }
  }
  // Each line that was given out, with the text it is for.
  std::mutex mutex;
  std::vector<std::string> cosigned;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const std::string& request = requests[thread % 2 == 0 ? i : requests.size() - 1 - i];
        const http::Answer answer = witness->AddCheckpoint(request);
        const std::lock_guard lock(mutex);
        if (answer.status == 200) cosigned.push_back(ParseAddCheckpoint(request)->checkpoint);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_FALSE(cosigned.empty());
  bool first = false;
  bool second = false;
  for (const std::string& note : cosigned) {
    const auto checkpoint = evidence::OpenCheckpoint(note, log_.verifier);
    ASSERT_TRUE(checkpoint);
    for (History* history : {&history_, &other}) {
      const auto root = evidence::PrefixRoot(
          checkpoint->size, [&](unsigned level, std::uint64_t index) -> Result<Hash> {
            return history->Node(level, index);
          });
      if (*root == checkpoint->root) (history == &history_ ? first : second) = true;
    }
  }
  EXPECT_NE(first, second) << "both histories were cosigned";
}

TEST_F(WitnessTest, KeepsTheFirstProofThatALogLied) {
  History other{log_};
  history_.Grow(20, 'a');
  other.Grow(20, 'b');
  const auto witness = Open();
  ASSERT_EQ(witness->AddCheckpoint(history_.Request(0, 20)).status, 200);
  const http::Answer answer = witness->AddCheckpoint(other.Request(20, 20));
  EXPECT_EQ(answer.status, 409);
  EXPECT_NE(answer.content_type, kSizeContentType);
  EXPECT_THAT(answer.body, HasSubstr("split view"));
  EXPECT_EQ(*ReadTextFile(StateFile().string() + ".conflict", 1 << 16),
            ParseAddCheckpoint(other.Request(20, 20))->checkpoint);
  ASSERT_EQ(witness->AddCheckpoint(other.Request(20, 20)).status, 409);
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(WitnessTest, RefusesStateWithAnyBitChanged) {
  history_.Grow(20, 'a');
  ASSERT_EQ(Open()->AddCheckpoint(history_.Request(0, 20)).status, 200);
  const std::string state = *ReadTextFile(StateFile(), 1 << 16);
  // The log's own line is passed on, not relied on: the witness's is what it remembers by.
  const std::string own = state.substr(state.find(" witness.example/test "));
  const std::string text = state.substr(0, state.find("\n\n") + 2);
  for (std::size_t i = 0; i < state.size(); ++i) {
    const bool relied_on = i < text.size() || i >= state.size() - own.size();
    if (!relied_on) continue;
    std::string changed = state;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    ASSERT_TRUE(WriteFileAtomically(StateFile(), AsBytes(changed)));
    const auto witness = TryOpen();
    ASSERT_FALSE(witness) << "byte " << i;
    EXPECT_EQ(witness.error().code, ErrorCode::kUnverified);
  }
  ASSERT_TRUE(WriteFileAtomically(StateFile(), AsBytes(state)));
  EXPECT_TRUE(TryOpen());
}

TEST_F(WitnessTest, TimeOfItsCosignaturesDoesNotGoBack) {
  history_.Grow(20, 'a');
  {
    const auto witness = Open();
    ASSERT_EQ(witness->AddCheckpoint(history_.Request(0, 10)).status, 200);
  }
  // As if its clock had been ahead by an hour then.
  const auto key = evidence::SigningKey::Load(folder() / "key/witness.pem");
  const auto verifier =
      evidence::VerifierKey::Load(folder() / "key/witness.vkey", evidence::KeyUse::kCosignature);
  const auto state = evidence::ParseNote(*ReadTextFile(StateFile(), 1 << 16));
  const std::int64_t ahead_s = **CosignedAt(*state, *verifier) / 1'000'000'000 + 3600;
  ASSERT_TRUE(WriteFileAtomically(
      StateFile(),
      AsBytes(fmt::format("{}\n{}", state->text, Cosign(state->text, *verifier, *key, ahead_s)))));
  const auto witness = Open();
  ASSERT_EQ(witness->AddCheckpoint(history_.Request(10, 20)).status, 200);
  const auto note = evidence::ParseNote(witness->Answer(LatestPath()).body);
  EXPECT_GE(**CosignedAt(*note, *verifier) / 1'000'000'000, ahead_s);
}

}  // namespace
}  // namespace spoor::witness

// SPDX-License-Identifier: Apache-2.0
#include "evidence/cosignature.hpp"

#include <gmock/gmock.h>

#include "evidence/fuzz_support.hpp"
#include "evidence/log_test_support.hpp"

namespace spoor::evidence {
namespace {

using testing::HasSubstr;

// Made apart from this code with Python and `openssl pkeyutl -sign -rawin`, from the private key
// whose 32 bytes are all 0x42.
constexpr std::string_view kWitnessKey =
    "witness.example/w1+f1ed8c47+BCFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS";
constexpr std::string_view kText =
    "log.example/one\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
constexpr std::string_view kCosignature =
    "\xE2\x80\x94 witness.example/w1 "
    "8e2MRwAAAABkGFDLIhIEEebEybDXf4+5fB0+bo8DS1e9z0HldnLC4IIrhT1T0hx4ChMCDheuUnpwGZzROk/SQJb1W0rEIm"
    "r/GWYDBg==\n";
constexpr std::int64_t kWallSeconds = 1679315147;

/// A witness whose key does not change.
struct TestWitness {
  FuzzLog known;
  VerifierKey verifier =
      *VerifierKey::Make("witness.example/w1", known.key.public_key(), KeyUse::kCosignature);
};

std::string VectorNote() {
  return fmt::format("{}\n{}", kText, kCosignature);
}

TEST(Cosignature, IsWhatOpensslMakes) {
  const TestWitness witness;
  EXPECT_EQ(witness.verifier.Text(), kWitnessKey);
  EXPECT_EQ(Cosign(kText, witness.verifier, witness.known.key, kWallSeconds), kCosignature);
}

TEST(Cosignature, IsFoundWithItsTime) {
  const VerifierKey key = *VerifierKey::Parse(kWitnessKey, KeyUse::kCosignature);
  const auto at = CosignedAt(*ParseNote(VectorNote()), key);
  ASSERT_TRUE(at) << at.error().message;
  EXPECT_EQ(**at, kWallSeconds * 1'000'000'000);
}

TEST(Cosignature, IsRefusedWithAnyBitChanged) {
  const VerifierKey key = *VerifierKey::Parse(kWitnessKey, KeyUse::kCosignature);
  const std::string note = VectorNote();
  for (std::size_t i = 0; i < note.size() * 8; ++i) {
    std::string changed = note;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << i % 8));
    const auto parsed = ParseNote(changed);
    if (!parsed) continue;
    const auto at = CosignedAt(*parsed, key);
    // A changed name or key id makes it someone else's, which says nothing.
    EXPECT_TRUE(!at || !*at) << "bit " << i;
  }
}

TEST(Cosignature, OfAnotherKeyIsPassedOver) {
  const TestStore other;
  const SigningKey key = *SigningKey::Create(other.root() / "key/witness.pem");
  const VerifierKey verifier =
      *VerifierKey::Make("witness.example/w1", key.public_key(), KeyUse::kCosignature);
  const auto at = CosignedAt(*ParseNote(VectorNote()), verifier);
  ASSERT_TRUE(at);
  EXPECT_FALSE(*at);
}

TEST(Cosignature, AtYearsThatClocksDoNotHaveIsRefused) {
  const TestWitness witness;
  for (const std::int64_t wall_s : {std::int64_t{9'223'372'037}, INT64_MAX}) {
    const auto parsed = ParseNote(
        fmt::format("{}\n{}", kText, Cosign(kText, witness.verifier, witness.known.key, wall_s)));
    EXPECT_FALSE(CosignedAt(*parsed, witness.verifier)) << wall_s;
  }
}

TEST(Cosignature, NewestOfSeveralCounts) {
  const TestWitness witness;
  std::string note = VectorNote();
  note += Cosign(kText, witness.verifier, witness.known.key, kWallSeconds + 5);
  note += Cosign(kText, witness.verifier, witness.known.key, kWallSeconds + 2);
  const auto at = CosignedAt(*ParseNote(note), witness.verifier);
  ASSERT_TRUE(at);
  EXPECT_EQ(**at, (kWallSeconds + 5) * 1'000'000'000);
}

TEST(Cosignature, KeyOfALogIsNoKeyOfAWitness) {
  const auto parsed = VerifierKey::Parse(kWitnessKey);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("not a log's"));
  const TestWitness witness;
  const auto log = VerifierKey::Parse(witness.known.verifier.Text(), KeyUse::kCosignature);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("not a witness's"));
}

TEST(SignatureLines, AreAddedOnce) {
  const TestWitness witness;
  const std::string signed_note = SignNote(kText, witness.known.verifier, witness.known.key);
  const auto once = AddSignatureLines(signed_note, kCosignature);
  ASSERT_TRUE(once) << once.error().message;
  EXPECT_EQ(*once, signed_note + std::string(kCosignature));
  EXPECT_EQ(*AddSignatureLines(*once, kCosignature), *once);
  EXPECT_EQ(OpenNote(*once, witness.known.verifier)->other_signatures, 1U);
  EXPECT_FALSE(AddSignatureLines(signed_note, "\n" + std::string(kCosignature)));
  EXPECT_FALSE(AddSignatureLines(signed_note, "anything\n"));
  EXPECT_FALSE(AddSignatureLines(signed_note, kCosignature.substr(0, kCosignature.size() - 1)));
}

TEST(TreeHead, MayHaveLinesOfItsOwnBehindTheThree) {
  const auto head = ParseTreeHead(std::string(kText) + "extension of another log\n");
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->origin, "log.example/one");
  EXPECT_EQ(head->size, 0U);
  for (const char* text : {"", "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "log\n01\n",
                           "log\n1\nAAAA\n", "log\n1\n"}) {
    EXPECT_FALSE(ParseTreeHead(text)) << text;
  }
}

/// The checkpoint that a log of `size` test entries has.
Checkpoint CheckpointAt(const TestStore& store, std::uint64_t size) {
  // A copy on disk. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const TestStore shorter(store);
  shorter.Fill(size);
  return (*LogReader::Open(shorter.folder(), store.verifier_key()))->checkpoint();
}

TEST(KeptCheckpoint, IsExtendedByItsOwnLogAtEverySize) {
  const TestStore store;
  store.Fill(600);
  const auto reader = LogReader::Open(store.folder(), store.verifier_key());
  ASSERT_TRUE(reader);
  for (const std::uint64_t size : {0U, 1U, 2U, 3U, 255U, 256U, 257U, 511U, 599U, 600U}) {
    const auto checked = CheckExtends(**reader, CheckpointAt(store, size), "a test");
    EXPECT_TRUE(checked) << size << ": " << checked.error().message;
  }
}

TEST(KeptCheckpoint, NamesARollBackAndASplitView) {
  const TestStore store;
  store.Fill(300);
  const auto reader = LogReader::Open(store.folder(), store.verifier_key());
  ASSERT_TRUE(reader);
  const auto shorter = CheckExtends(**reader, CheckpointAt(store, 301), "witness w1");
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().code, ErrorCode::kUnverified);
  EXPECT_THAT(shorter.error().message, HasSubstr("rolled back: the log has 300 entries"));
  EXPECT_THAT(shorter.error().message, HasSubstr("witness w1 saw 301 entries"));
  Checkpoint other = CheckpointAt(store, 257);
  other.root[7] ^= 1;
  const auto split = CheckExtends(**reader, other, "witness w1");
  ASSERT_FALSE(split);
  EXPECT_EQ(split.error().code, ErrorCode::kUnverified);
  EXPECT_THAT(split.error().message, HasSubstr("split view: the first 257 entries"));
}

TEST(LogName, IsItsKeysUnlessGivenAndStays) {
  const TestStore store;
  LogOptions options = store.options();
  options.origin.clear();
  ASSERT_TRUE((*LogWriter::Open(options))->Close());
  const VerifierKey made = *VerifierKey::Parse(store.verifier_key());
  EXPECT_EQ(made.name, "spoor.local/log/" + EncodeHex(std::span(made.public_key).first(8)));
  // Also when someone removed the verifier key.
  std::filesystem::remove(store.root() / "key/log.vkey");
  ASSERT_TRUE(LogWriter::Open(options));
  EXPECT_EQ(store.verifier_key(), made.Text() + "\n");
  // A log that was given a name keeps it.
  const TestStore named;
  named.Fill(1);
  options = named.options();
  options.origin.clear();
  const auto writer = LogWriter::Open(options);
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ(VerifierKey::Parse(named.verifier_key())->name, "test.example/log");
}

}  // namespace
}  // namespace spoor::evidence

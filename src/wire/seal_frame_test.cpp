// SPDX-License-Identifier: Apache-2.0
#include "wire/seal_frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/file.hpp"

namespace spoor::wire {
namespace {

using Bytes = std::vector<std::byte>;

Bytes TextBytes(std::string_view text) {
  const std::span<const std::byte> bytes = AsBytes(text);
  return {bytes.begin(), bytes.end()};
}

FrameHeader HeaderAt(std::uint64_t sequence) {
  return {.kind = FrameKind::kBatch,
          .frame_bytes = 0,
          .chain_id = {1, 2, 3},
          .sequence = sequence,
          .boot_ns = 77,
          .wall_ns = 88,
          .previous_sha256 = {9},
          .mac = {}};
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Escrow = std::unique_ptr<EVP_PKEY, FreeKey>;
Escrow MakeEscrow() {
  return Escrow(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
}

Bytes OpenFrame(const FrameKey& key, EVP_PKEY* escrow) {
  FrameHeader header = HeaderAt(0);
  header.kind = FrameKind::kOpen;
  header.previous_sha256 = {};
  const Result<Bytes> content =
      LockOpening({key.Clone(), R"({"host":"web-1"})"}, header.chain_id, escrow);
  EXPECT_TRUE(content);
  return SealFrame(ChainKeys(key).key(), header, DigestedBytes(*content));
}

TEST(SealFrame, ReturnsWhatWasSealed) {
  const FrameKey key = FrameKey::Random();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kBatchBytesMax}) {
    const Bytes content(size, std::byte{0x5A});
    FrameHeader header = HeaderAt(3);
    const Bytes frame = SealFrame(key, header, DigestedBytes(content));
    EXPECT_EQ(frame.size(), kFrameHeaderBytes + size + kFrameTagBytes);
    const Result<FrameContent> back = UnsealFrame(key, frame);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->bytes, content);
    EXPECT_TRUE(MacMatches(key, header, DigestOf(content)));
  }
}

TEST(SealFrame, HidesItsContent) {
  FrameHeader header = HeaderAt(3);
  const Bytes content = TextBytes("a password typed at a terminal");
  const Bytes frame = SealFrame(FrameKey::Random(), header, DigestedBytes(content));
  EXPECT_EQ(std::search(frame.begin(), frame.end(), content.begin(), content.begin() + 8),
            frame.end());
}

TEST(SealFrame, RefusesEveryFlippedByteAndEveryTruncation) {
  const FrameKey key = FrameKey::Random();
  FrameHeader header = HeaderAt(3);
  Bytes frame = SealFrame(key, header, DigestedBytes(TextBytes("content")));
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] ^= std::byte{1};
    EXPECT_FALSE(UnsealFrame(key, frame)) << "byte " << i;
    frame[i] ^= std::byte{1};
    EXPECT_FALSE(UnsealFrame(key, std::span(frame).first(i))) << "cut at " << i;
  }
  EXPECT_TRUE(UnsealFrame(key, frame));
}

TEST(SealFrame, RefusesAnOldFrameSealedAgainWithANewerKey) {
  ChainKeys keys(FrameKey::Random());
  const FrameKey first = keys.key().Clone();
  FrameHeader header = HeaderAt(0);
  const Bytes genuine = SealFrame(first, header, DigestedBytes(TextBytes("what happened")));
  ASSERT_TRUE(keys.AdvanceTo(1));
  FrameHeader again = HeaderAt(0);
  const Bytes forged = SealFrame(keys.key(), again, DigestedBytes(TextBytes("what did not")));
  EXPECT_TRUE(UnsealFrame(first, genuine));
  EXPECT_FALSE(UnsealFrame(first, forged));
  EXPECT_FALSE(UnsealFrame(keys.key(), genuine));
}

std::string HexOf(const FrameKey& key) {
  std::string text;
  for (const std::uint8_t byte : key.bytes()) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(ChainKeys, AreTheSameOneByOneAndAfterAGap) {
  const FrameKey first_key = FrameKey::Random();
  std::set<std::string> all;
  ChainKeys one_by_one(first_key);
  for (std::uint64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(one_by_one.AdvanceTo(i));
    ChainKeys after_gap(first_key);
    ASSERT_TRUE(after_gap.AdvanceTo(i));
    EXPECT_EQ(HexOf(one_by_one.key()), HexOf(after_gap.key())) << i;
    EXPECT_EQ(HexOf(one_by_one.key()), HexOf(one_by_one.Clone().key())) << i;
    all.insert(HexOf(one_by_one.key()));
  }
  EXPECT_EQ(all.size(), 300U);
}

// At a derivation for each frame the last one would take a fortnight.
TEST(ChainKeys, ReachTheLastFrameOfAllInNoTime) {
  ChainKeys keys(FrameKey::Random());
  ASSERT_TRUE(keys.AdvanceTo(kChainFramesMax / 3));
  ASSERT_TRUE(keys.AdvanceTo(kChainFramesMax - 1));
  EXPECT_EQ(keys.sequence(), kChainFramesMax - 1);
}

TEST(ChainKeys, DoNotLeadBackNorBeyondTheLast) {
  ChainKeys keys(FrameKey::Random());
  ASSERT_TRUE(keys.AdvanceTo(7));
  const std::string seventh = HexOf(keys.key());
  for (const std::uint64_t not_there :
       {std::uint64_t{0}, std::uint64_t{6}, kChainFramesMax, ~std::uint64_t{0}}) {
    EXPECT_FALSE(keys.AdvanceTo(not_there)) << not_there;
  }
  EXPECT_TRUE(keys.AdvanceTo(7));
  EXPECT_EQ(HexOf(keys.key()), seventh);
}

TEST(SealFrame, OverwritesAKeyThatIsMovedAway) {
  FrameKey key = FrameKey::Random();
  const FrameKey taken = std::move(key);
  // NOLINTNEXTLINE(bugprone-use-after-move): the point of the test
  EXPECT_TRUE(std::ranges::all_of(key.bytes(), [](std::uint8_t byte) { return byte == 0; }));
  EXPECT_FALSE(std::ranges::all_of(taken.bytes(), [](std::uint8_t byte) { return byte == 0; }));
}

TEST(ChainKeys, AreDerivedAsDocumented) {
  // Worked out step by step with: openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:00…1f
  //   -kdfopt info:"spoor seal left v1" (or right) -kdfopt mode:EXPAND_ONLY HKDF
  std::array<std::uint8_t, 32> bytes{};
  for (std::uint8_t i = 0; i < 32; ++i) bytes[i] = i;
  ChainKeys keys{FrameKey(bytes)};
  EXPECT_EQ(HexOf(keys.key()), "bc4a8c094d8096a930f7f8e62efca8c088201b72c72f492ee496371b942f4cbf");
  ASSERT_TRUE(keys.AdvanceTo(5));
  EXPECT_EQ(HexOf(keys.key()), "980346f88723ec55cc2279c06f7f1915f739f93f63a330a172e1e5ec00846749");
}

TEST(SealEscrow, GivesTheFirstKeyToTheEscrowKeyOnly) {
  const Escrow escrow = MakeEscrow();
  const FrameKey key = FrameKey::Random();
  const Bytes frame = OpenFrame(key, escrow.get());
  const Result<ChainOpening> opening = UnlockOpenFrame(frame, escrow.get());
  ASSERT_TRUE(opening) << opening.error().message;
  EXPECT_TRUE(std::ranges::equal(opening->first_key.bytes(), key.bytes()));
  EXPECT_EQ(opening->description, R"({"host":"web-1"})");
  const Result<ChainOpening> other = UnlockOpenFrame(frame, MakeEscrow().get());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kUnverified);
}

TEST(SealEscrow, RefusesEveryFlippedByteAndEveryTruncation) {
  const Escrow escrow = MakeEscrow();
  Bytes frame = OpenFrame(FrameKey::Random(), escrow.get());
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] ^= std::byte{1};
    EXPECT_FALSE(UnlockOpenFrame(frame, escrow.get())) << "byte " << i;
    frame[i] ^= std::byte{1};
    EXPECT_FALSE(UnlockOpenFrame(std::span(frame).first(i), escrow.get())) << "cut at " << i;
  }
  EXPECT_TRUE(UnlockOpenFrame(frame, escrow.get()));
}

TEST(ChainId, ReadsBackItsText) {
  const ChainId chain_id{0xDE, 0xAD, 0x01};
  EXPECT_EQ(ParseChainId(FormatChainId(chain_id)).value_or(ChainId{}), chain_id);
  for (const char* text : {"", "zz", "DEAD0100000000000000000000000000", "00"}) {
    EXPECT_FALSE(ParseChainId(text)) << text;
  }
}

}  // namespace
}  // namespace spoor::wire

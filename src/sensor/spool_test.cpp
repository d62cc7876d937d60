// SPDX-License-Identifier: Apache-2.0
#include "sensor/spool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scratch_folder.hpp"
#include "keys/certificate.hpp"
#include "sensor/sealer.hpp"

namespace spoor::sensor {
namespace {

using Bytes = std::vector<std::byte>;

Result<Sealer::Introduction> IntroduceNobody(const wire::Sha256& tag) {
  Sealer::Introduction introduction{.chain_id = {}, .description = "{}"};
  std::copy_n(tag.begin(), introduction.chain_id.size(), introduction.chain_id.begin());
  return introduction;
}

class SpoolTest : public ::testing::Test {
 protected:
  void SetUp() override { options_.folder = scratch_.path(); }

  std::unique_ptr<Spool> Open() const {
    auto spool = Spool::Open(options_);
    EXPECT_TRUE(spool) << spool.error().message;
    return std::move(*spool);
  }
  Sealer SealInto(Spool& spool) const {
    auto sealer =
        Sealer::Open(escrow_.get(), IntroduceNobody,
                     [&spool](std::span<const std::byte> frame) { return spool.Append(frame); });
    EXPECT_TRUE(sealer) << sealer.error().message;
    return std::move(*sealer);
  }
  std::filesystem::path FirstSegment() const { return options_.folder / "000000000000.frames"; }

  const ScratchFolder scratch_;
  Spool::Options options_;
  keys::KeyPointer escrow_ = *keys::MakeEscrowKey();
};

TEST_F(SpoolTest, GivesFramesBackInOrderAndOnlyWhatIsNotReleased) {
  const auto spool = Open();
  Sealer sealer = SealInto(*spool);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(1000))));
  EXPECT_EQ(spool->level().frame_count, 6U);
  EXPECT_EQ(*spool->Release(sealer.chain_id(), 3), 3U);
  EXPECT_EQ(*spool->Release(sealer.chain_id(), 2), 0U) << "they went before";
  const auto parcel = spool->Oldest(2500);
  ASSERT_TRUE(parcel && *parcel);
  EXPECT_EQ((*parcel)->first_sequence, 3U);
  EXPECT_EQ((*parcel)->frames.size(), 2 * (1000 + 120 + 16));
  ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(1000))));
  EXPECT_EQ(*spool->Release(sealer.chain_id(), 7), 4U) << "what came meanwhile does not hide them";
  EXPECT_EQ(spool->level().frame_count, 0U);
  EXPECT_FALSE(*spool->Oldest(1 << 20));
}

TEST_F(SpoolTest, GoesOnAfterItWasEmpty) {
  const auto spool = Open();
  Sealer sealer = SealInto(*spool);
  ASSERT_TRUE(spool->Release(sealer.chain_id(), 1));
  ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(10))));
  EXPECT_EQ((*spool->Oldest(1 << 20))->first_sequence, 1U);
  EXPECT_TRUE(*spool->OpenFrameOf(sealer.chain_id()));
}

TEST_F(SpoolTest, OutlivesTheSensorAndShipsTheOldChainFirst) {
  wire::ChainId first{};
  {
    const auto spool = Open();
    Sealer sealer = SealInto(*spool);
    ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(10))));
    first = sealer.chain_id();
  }
  const auto spool = Open();
  EXPECT_EQ(spool->cut_bytes(), 0U);
  Sealer sealer = SealInto(*spool);
  EXPECT_EQ((*spool->Oldest(1 << 20))->chain_id, first);
  ASSERT_TRUE(spool->Release(first, 2));
  EXPECT_EQ((*spool->Oldest(1 << 20))->chain_id, sealer.chain_id());
  EXPECT_FALSE(*spool->OpenFrameOf(first));
}

TEST_F(SpoolTest, CutsOffATornFrameAndSaysSo) {
  {
    const auto spool = Open();
    Sealer sealer = SealInto(*spool);
    ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(1000))));
  }
  std::filesystem::resize_file(FirstSegment(), std::filesystem::file_size(FirstSegment()) - 1);
  const auto spool = Open();
  EXPECT_EQ(spool->level().frame_count, 1U);
  EXPECT_EQ(spool->cut_bytes(), 1000U + 120 + 16 - 1);
}

TEST_F(SpoolTest, SurvivesEveryFlippedHeaderByte) {
  {
    const auto spool = Open();
    Sealer sealer = SealInto(*spool);
    ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(10))));
  }
  const Bytes good = *ReadFile(FirstSegment(), 1 << 20);
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{0x81};
    ASSERT_TRUE(WriteFileAtomically(FirstSegment(), bad));
    const auto spool = Spool::Open(options_);
    ASSERT_TRUE(spool) << "byte " << i << ": " << spool.error().message;
    EXPECT_LE((*spool)->level().bytes + (*spool)->cut_bytes(), good.size()) << "byte " << i;
  }
}

TEST_F(SpoolTest, KeepsToItsBoundAndTheSealerCountsWhatItDropped) {
  options_.size_bytes_max = 20000;
  const auto spool = Open();
  Sealer sealer = SealInto(*spool);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(sealer.Seal(wire::DigestedBytes(Bytes(1000))));
  EXPECT_LE(spool->level().bytes, 20000U);
  EXPECT_EQ(sealer.dropped().batch_count, 30 - (spool->level().frame_count - 1));
  EXPECT_EQ(sealer.dropped().bytes, 1000 * sealer.dropped().batch_count);
  // The end, and what was lost, still go in.
  const std::uint64_t before = spool->level().frame_count;
  ASSERT_TRUE(sealer.Close("test"));
  EXPECT_EQ(spool->level().frame_count, before + 2);
}

TEST_F(SpoolTest, IsForOneSensorAtATime) {
  const auto spool = Open();
  const auto second = Spool::Open(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace spoor::sensor

// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_recorder.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <deque>
#include <latch>
#include <mutex>
#include <vector>

#include "wire/batch_sealer.hpp"

namespace spoor::capture {
namespace {

/// An interface whose packets are those that it is given.
class GivenSource final : public LiveSource {
 public:
  struct Step {
    std::size_t packet_count = 0;
    std::uint64_t dropped = 0;
    bool gone = false;
  };
  /// `taken`: counted down when the last step was taken.
  GivenSource(std::deque<Step> steps, std::latch& taken)
      : steps_(std::move(steps)), taken_(taken), fd_(::eventfd(1, EFD_CLOEXEC)) {
    for (const Step& step : steps_) counts_.received += step.packet_count + step.dropped;
  }
  std::uint16_t link_type() const override { return 1; }
  int fd() const override { return fd_.get(); }
  Result<std::size_t> Read(const Visit& visit) override {
    if (steps_.empty()) return 0;
    const Step step = steps_.front();
    steps_.pop_front();
    if (steps_.empty()) taken_.count_down();
    if (step.gone) return Fail(ErrorCode::kUnavailable, "eth7: the interface disappeared");
    const std::vector<std::uint8_t> frame(60, 0);
    for (std::size_t i = 0; i < step.packet_count; ++i) {
      visit({.link_type = 1, .wall_ns = 1, .wire_bytes = 60, .offset = 0, .data = frame});
    }
    counts_.dropped += step.dropped;
    return step.packet_count;
  }
  Result<Counts> ReadCounts() override { return counts_; }

 private:
  std::deque<Step> steps_;
  std::latch& taken_;
  const FileDescriptor fd_;
  Counts counts_;
};

/// What was handed over, recording by recording.
struct Kept {
  struct Recording {
    std::vector<wire::BatchKind> kinds;
    std::string bytes, closing;
    bool ended = false, last = false;
  };
  std::mutex mutex;
  std::deque<Recording> recordings;

  CaptureTarget Target() {
    return {.begin = [this]() -> Result<CaptureTarget::Recording> {
              Recording& recording = recordings.emplace_back();
              return CaptureTarget::Recording{
                  wire::MakeRecordingId(),
                  {.append = [this, &recording](const wire::DigestedBytes& encoded) -> Result<> {
                     const std::lock_guard lock(mutex);
                     ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(encoded.bytes));
                     recording.kinds.push_back(batch.kind);
                     const std::string_view text = AsText(batch.payload);
                     if (batch.kind == wire::BatchKind::kImportData) recording.bytes += text;
                     if (batch.kind == wire::BatchKind::kRecordingClose) recording.closing = text;
                     return {};
                   },
                   .flush = [] { return Result<>(); }}};
            },
            .end = [this](const std::string&, bool last) -> Result<> {
              recordings.back().ended = true;
              recordings.back().last = last;
              return {};
            }};
  }
};

struct Read {
  std::uint64_t packet_count = 0, lost_count = 0, malformed_count = 0;
};
Read ReadBack(const std::string& bytes) {
  Read read;
  packets::CaptureReader reader;
  EXPECT_TRUE(reader.Feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                          [&](const packets::CapturedPacket&) { ++read.packet_count; }));
  EXPECT_TRUE(reader.Finish());
  for (const packets::CaptureLoss& loss : reader.losses()) read.lost_count += loss.count;
  read.malformed_count = reader.counts().malformed;
  return read;
}

Result<CaptureRecorder::Summary> FinishAfter(std::latch& taken, CaptureRecorder& recorder) {
  taken.wait();
  return recorder.Finish("told to");
}

CaptureRecorderOptions Options() {
  CaptureRecorderOptions options;
  options.interface.name = "eth7";
  options.description = "{}";
  return options;
}

TEST(CaptureRecorder, WhatIsSealedIsACaptureThatSaysWhatTheKernelDropped) {
  Kept kept;
  std::latch taken(1);
  CaptureRecorder recorder(
      std::make_unique<GivenSource>(std::deque<GivenSource::Step>{{3, 0}, {2, 40}, {1, 0}}, taken),
      kept.Target(), Options());
  const auto summary = FinishAfter(taken, recorder);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->packet_count, 6U);
  EXPECT_EQ(summary->counts.dropped, 40U);
  ASSERT_EQ(kept.recordings.size(), 1U);
  const Kept::Recording& recording = kept.recordings.front();
  EXPECT_EQ(recording.kinds.front(), wire::BatchKind::kRecordingOpen);
  EXPECT_EQ(recording.kinds.back(), wire::BatchKind::kRecordingClose);
  EXPECT_TRUE(recording.ended && recording.last);
  const Read read = ReadBack(recording.bytes);
  EXPECT_EQ(read.packet_count, 6U);
  EXPECT_EQ(read.lost_count, 40U);
  EXPECT_EQ(read.malformed_count, 0U);
}

TEST(CaptureRecorder, ALongCaptureBecomesRecordingsThatEachSayTheirOwnLoss) {
  Kept kept;
  std::latch taken(1);
  CaptureRecorderOptions options = Options();
  options.recording_bytes_max = 1000;
  options.seal_bytes = 500;
  {
    CaptureRecorder recorder(std::make_unique<GivenSource>(
                                 std::deque<GivenSource::Step>{{20, 5}, {20, 0}, {20, 7}}, taken),
                             kept.Target(), options);
    ASSERT_TRUE(FinishAfter(taken, recorder));
  }
  ASSERT_GE(kept.recordings.size(), 2U);
  std::uint64_t packet_count = 0, lost_count = 0;
  for (const Kept::Recording& recording : kept.recordings) {
    const Read read = ReadBack(recording.bytes);
    packet_count += read.packet_count;
    lost_count += read.lost_count;
    EXPECT_EQ(recording.last, &recording == &kept.recordings.back());
  }
  EXPECT_EQ(packet_count, 60U);
  EXPECT_EQ(lost_count, 12U);
}

TEST(CaptureRecorder, AnInterfaceThatGoesIsSaidInTheClosingAndToWhoeverAsks) {
  Kept kept;
  std::latch taken(1);
  CaptureRecorderOptions options = Options();
  std::string told;
  options.failed = [&](const Error& error) { told = error.message; };
  CaptureRecorder recorder(
      std::make_unique<GivenSource>(std::deque<GivenSource::Step>{{3, 0}, {0, 0, true}}, taken),
      kept.Target(), options);
  const auto summary = FinishAfter(taken, recorder);
  ASSERT_FALSE(summary);
  EXPECT_EQ(told, "eth7: the interface disappeared");
  ASSERT_EQ(kept.recordings.size(), 1U);
  EXPECT_EQ(ReadBack(kept.recordings.front().bytes).packet_count, 3U);
  EXPECT_NE(kept.recordings.front().closing.find("the interface disappeared"), std::string::npos);
}

TEST(CaptureRecorder, PacketsOfOurOwnAreCountedAndLeftOut) {
  Kept kept;
  std::latch taken(1);
  CaptureRecorderOptions options = Options();
  std::uint64_t seen = 0;
  options.is_own = [&](const packets::CapturedPacket&) { return ++seen % 2 == 0; };
  CaptureRecorder recorder(
      std::make_unique<GivenSource>(std::deque<GivenSource::Step>{{10, 0}}, taken), kept.Target(),
      options);
  const auto summary = FinishAfter(taken, recorder);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->packet_count, 5U);
  EXPECT_EQ(summary->own_packet_count, 5U);
  EXPECT_EQ(ReadBack(kept.recordings.front().bytes).packet_count, 5U);
}

}  // namespace
}  // namespace spoor::capture

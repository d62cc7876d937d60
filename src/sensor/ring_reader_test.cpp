// SPDX-License-Identifier: Apache-2.0
#include "sensor/ring_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace spoor::sensor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A ring as the kernel lays it out, filled by the test.
class RingReaderTest : public testing::Test {
 protected:
  static constexpr std::size_t kSizeBytes = 128;

  void Put(const std::string& text, std::uint32_t flags = 0) {
    const auto length = static_cast<std::uint32_t>(text.size()) | flags;
    Copy(producer_, &length, sizeof(length));
    Copy(producer_ + BPF_RINGBUF_HDR_SZ, text.data(), text.size());
    producer_ += (text.size() + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
  }
  std::vector<std::string> Read() {
    std::vector<std::string> entries;
    reader_.Read([&](std::span<const std::byte> entry) {
      entries.emplace_back(reinterpret_cast<const char*>(entry.data()), entry.size());
      return true;
    });
    return entries;
  }

  std::uint64_t consumer_ = 0, producer_ = 0;
  alignas(8) std::array<std::byte, 2 * kSizeBytes> data_{};
  RingReader reader_{
      {.consumer_position = &consumer_, .producer_position = &producer_, .data_twice = data_}};

 private:
  // The kernel maps the same pages twice; here both copies are written.
  void Copy(std::uint64_t at, const void* bytes, std::size_t size_bytes) {
    const auto* from = static_cast<const std::byte*>(bytes);
    for (std::size_t i = 0; i < size_bytes; ++i) {
      data_[(at + i) % kSizeBytes] = data_[(at + i) % kSizeBytes + kSizeBytes] = from[i];
    }
  }
};

TEST_F(RingReaderTest, ReadsEntriesOverTheEndAndStopsAtOneThatIsBeingWritten) {
  for (int i = 0; i < 20; ++i) {
    Put("first entry");
    Put("left out", BPF_RINGBUF_DISCARD_BIT);
    Put("second");
    EXPECT_THAT(Read(), ElementsAre("first entry", "second"));
    EXPECT_EQ(consumer_, producer_);
  }
  Put("ready");
  Put("not ready", BPF_RINGBUF_BUSY_BIT);
  EXPECT_THAT(Read(), ElementsAre("ready"));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(reader_.interference_count(), 0U);
}

TEST_F(RingReaderTest, CountsAMovedPositionAndLosesNothingByIt) {
  Put("one");
  Put("two");
  consumer_ = producer_;  // as if both had been read
  EXPECT_THAT(Read(), ElementsAre("one", "two"));
  EXPECT_EQ(reader_.interference_count(), 1U);
  consumer_ = 0;
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(consumer_, producer_) << "put back";
  EXPECT_EQ(reader_.interference_count(), 2U);
}

TEST_F(RingReaderTest, CountsWhatWasWrittenOverAndGoesOnBehindIt) {
  for (int i = 0; i < 20; ++i) Put("more than the ring holds");
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(reader_.interference_count(), 1U);
  Put("after");
  EXPECT_THAT(Read(), ElementsAre("after"));
  EXPECT_EQ(reader_.interference_count(), 1U);
}

TEST_F(RingReaderTest, AnEntryLongerThanWhatWasWrittenIsNotRead) {
  Put("short");
  const std::uint32_t length = 1 << 20;
  std::memcpy(data_.data(), &length, sizeof(length));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(reader_.interference_count(), 1U);
}

}  // namespace
}  // namespace spoor::sensor

// SPDX-License-Identifier: Apache-2.0
#include "packets/capture_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "packets/capture_for_tests.hpp"

namespace spoor::packets {
namespace {

using namespace test;

struct Seen {
  std::uint16_t link_type;
  std::int64_t wall_ns;
  std::uint32_t wire_bytes;
  std::uint64_t offset;
  std::string data;
  bool operator==(const Seen&) const = default;
};
struct Read {
  std::vector<Seen> packets;
  CaptureCounts counts;
  std::string error;
};

Read ReadAll(const std::string& file, std::size_t step = std::string::npos) {
  Read read;
  CaptureReader reader;
  const auto visit = [&](const CapturedPacket& packet) {
    read.packets.push_back({packet.link_type, packet.wall_ns, packet.wire_bytes, packet.offset,
                            std::string(packet.data.begin(), packet.data.end())});
  };
  for (std::size_t at = 0; at < file.size() && read.error.empty();) {
    const std::size_t size = std::min(step, file.size() - at);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data()) + at;
    const auto fed = reader.Feed({bytes, size}, visit);
    if (!fed) read.error = fed.error().message;
    at += size;
  }
  const auto finished = reader.Finish();
  if (!finished && read.error.empty()) read.error = finished.error().message;
  read.counts = reader.counts();
  return read;
}

TEST(CaptureReader, ReadsPcapInPartsOfAnySize) {
  const std::string file = Pcap(113).Add(1.5, "abc").Add(2.25, "defgh", 2).Add(3, "").bytes();
  const Read whole = ReadAll(file);
  ASSERT_EQ(whole.error, "");
  ASSERT_EQ(whole.packets.size(), 3u);
  EXPECT_EQ(whole.packets[0], (Seen{113, 1'500'000'000, 3, 24, "abc"}));
  EXPECT_EQ(whole.packets[1], (Seen{113, 2'250'000'000, 5, 43, "de"}));
  for (std::size_t step = 1; step < file.size(); ++step) {
    EXPECT_EQ(ReadAll(file, step).packets, whole.packets) << step;
  }
}

TEST(CaptureReader, ReadsOtherByteOrdersAndResolutions) {
  const std::string big = Be32(0xa1b23c4d) + Be16(2) + Be16(4) + Zeros(8) + Be32(100) + Be32(1) +
                          Be32(7) + Be32(9) + Be32(2) + Be32(60) + "xy";
  EXPECT_EQ(ReadAll(big).packets, (std::vector<Seen>{{1, 7'000'000'009, 60, 24, "xy"}}));
}

TEST(CaptureReader, GivesEveryPcapngInterfaceItsLinkTypeAndClock) {
  const std::string file = SectionBlock() + InterfaceBlock(1, 9) + InterfaceBlock(101, 0x80 | 10) +
                           Block(0x0bad, "passed over") + PacketBlock(1, 1536, "raw") +
                           PacketBlock(0, 5, "ether") + Block(3, Le32(4) + "simp");
  const Read whole = ReadAll(file);
  ASSERT_EQ(whole.packets.size(), 3u);
  EXPECT_EQ(whole.packets[0].link_type, 101);
  EXPECT_EQ(whole.packets[0].wall_ns, 1'500'000'000);
  EXPECT_EQ(whole.packets[1].wall_ns, 5);
  EXPECT_EQ(whole.packets[2].data, "simp");
  EXPECT_EQ(whole.packets[2].wall_ns, 5) << "a block without a time has that of the one before";
  EXPECT_EQ(whole.counts.malformed, 0u);
  for (std::size_t step = 1; step < file.size(); ++step) {
    EXPECT_EQ(ReadAll(file, step).packets, whole.packets) << step;
  }
}

TEST(CaptureReader, KeepsWhatCameBeforeTheCut) {
  const std::string pcap = Pcap().Add(1, "abcd").Add(2, "efgh").bytes();
  const std::string pcapng =
      SectionBlock() + InterfaceBlock(1, 9) + PacketBlock(0, 1, "abcd") + PacketBlock(0, 2, "efgh");
  for (const std::string& file : {pcap, pcapng}) {
    const Read cut = ReadAll(file.substr(0, file.size() - 1));
    EXPECT_EQ(cut.error, "");
    EXPECT_EQ(cut.packets.size(), 1u);
    EXPECT_EQ(cut.counts.malformed, 1u);
  }
}

TEST(CaptureReader, CountsWhatCannotBe) {
  std::string pcap = Pcap().Add(1, "abcd").bytes();
  pcap += Zeros(8) + Le32(0x7fffffff) + Le32(4) + "more that nobody can find the beginning of";
  EXPECT_EQ(ReadAll(pcap).packets.size(), 1u);
  EXPECT_EQ(ReadAll(pcap).counts.malformed, 1u);

  const std::string before = SectionBlock() + InterfaceBlock(1, 9);
  const std::string no_interface = before + PacketBlock(5, 1, "lost") + PacketBlock(0, 1, "kept");
  EXPECT_EQ(ReadAll(no_interface).packets.size(), 1u);
  EXPECT_EQ(ReadAll(no_interface).counts.malformed, 1u);
  const std::string too_long = before +
                               Block(6, Le32(0) + Zeros(8) + Le32(99) + Le32(99) + "short") +
                               PacketBlock(0, 1, "kept");
  EXPECT_EQ(ReadAll(too_long).packets.size(), 1u);
  EXPECT_EQ(ReadAll(too_long).counts.malformed, 1u);
  EXPECT_EQ(ReadAll(before + Le32(6) + Le32(3) + Zeros(100)).counts.malformed, 1u);
}

TEST(CaptureReader, RefusesWhatIsNoCapture) {
  EXPECT_NE(ReadAll("this is no capture").error, "");
  EXPECT_NE(ReadAll("").error, "");
  EXPECT_NE(ReadAll(Le32(0xa1b2c3d4)).error, "");
  EXPECT_FALSE(LooksLikeCapture("{\"kind\":"));
  EXPECT_TRUE(LooksLikeCapture(Pcap().bytes()));
  EXPECT_TRUE(LooksLikeCapture(SectionBlock()));
}

TEST(CaptureReader, HoldsATimeThatIsBeyondItsType) {
  const std::string file =
      SectionBlock() + InterfaceBlock(1, 0) + PacketBlock(0, ~std::uint64_t{0}, "x");
  ASSERT_EQ(ReadAll(file).packets.size(), 1u);
  EXPECT_EQ(ReadAll(file).packets[0].wall_ns, std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace spoor::packets

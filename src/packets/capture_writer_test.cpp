// SPDX-License-Identifier: Apache-2.0
#include "packets/capture_writer.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "packets/capture_reader.hpp"

namespace spoor::packets {
namespace {

struct Packet {
  std::uint16_t link_type;
  std::int64_t wall_ns;
  std::uint32_t wire_bytes;
  std::vector<std::uint8_t> data;
  bool operator==(const Packet&) const = default;
};

std::string Written(const std::vector<Packet>& packets, std::string_view comment) {
  CaptureWriter writer;
  std::string file;
  for (const Packet& packet : packets) {
    CapturedPacket captured;
    captured.link_type = packet.link_type;
    captured.wall_ns = packet.wall_ns;
    captured.wire_bytes = packet.wire_bytes;
    captured.data = packet.data;
    writer.Append(captured, comment, file);
  }
  return file;
}

std::vector<Packet> ReadBack(const std::string& file, CaptureCounts& counts) {
  std::vector<Packet> packets;
  CaptureReader reader;
  const auto fed = reader.Feed({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()},
                               [&](const CapturedPacket& packet) {
                                 packets.push_back({packet.link_type,
                                                    packet.wall_ns,
                                                    packet.wire_bytes,
                                                    {packet.data.begin(), packet.data.end()}});
                               });
  EXPECT_TRUE(fed && reader.Finish());
  counts = reader.counts();
  return packets;
}

TEST(CaptureWriter, WhatItWritesIsReadBackAsItWas) {
  const std::vector<Packet> packets{{1, 1'700'000'000'123'456'789, 5, {1, 2, 3, 4, 5}},
                                    {101, 1'700'000'000'123'456'790, 1500, {9}},
                                    {1, 7, 3, {1, 2, 3}}};
  CaptureCounts counts;
  EXPECT_EQ(ReadBack(Written(packets, ""), counts), packets);
  EXPECT_EQ(ReadBack(Written(packets, "by nginx"), counts), packets);
  EXPECT_EQ(counts.malformed, 0U);
}

TEST(CaptureWriter, ALongCommentIsCutAtAWholeCharacter) {
  const std::vector<Packet> packets{{1, 1, 1, {1}}};
  std::string comment(CaptureWriter::kCommentBytesMax - 1, 'a');
  comment += "\xc3\xa4";
  const std::string file = Written(packets, comment);
  EXPECT_EQ(file.find('\xc3'), std::string::npos);
  CaptureCounts counts;
  EXPECT_EQ(ReadBack(file, counts), packets);
  EXPECT_EQ(counts.malformed, 0U);
}

TEST(CaptureWriter, WhatWasDroppedIsReadBackFromStatistics) {
  CaptureWriter writer;
  std::string file;
  const std::uint8_t byte = 1;
  writer.Describe({.link_type = 1, .name = "eth0", .filter = "not port 22", .snapshot_bytes = 96},
                  file);
  writer.AppendStatistics(1, {.wall_ns = 1'000}, file);
  writer.Append(
      {.link_type = 1, .wall_ns = 1'500, .wire_bytes = 1, .offset = 0, .data = {&byte, 1}}, {},
      file);
  writer.AppendStatistics(
      1, {.wall_ns = 2'000, .received_count = 9, .dropped_count = 3, .missed_count = 4}, file);
  writer.AppendStatistics(
      1, {.wall_ns = 3'000, .received_count = 9, .dropped_count = 3, .missed_count = 4}, file);
  writer.AppendStatistics(
      1, {.wall_ns = 4'000, .received_count = 10, .dropped_count = 4, .missed_count = 4}, file);
  CaptureReader reader;
  std::uint64_t packet_count = 0;
  EXPECT_TRUE(reader.Feed({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()},
                          [&](const CapturedPacket&) { ++packet_count; }));
  EXPECT_TRUE(reader.Finish());
  EXPECT_EQ(packet_count, 1U);
  EXPECT_EQ(reader.counts().malformed, 0U);
  const std::vector<CaptureLoss>& losses = reader.losses();
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].from_wall_ns, 1'000);
  EXPECT_EQ(losses[0].until_wall_ns, 2'000);
  EXPECT_EQ(losses[0].count, 7U);
  EXPECT_EQ(losses[1].from_wall_ns, 3'000);
  EXPECT_EQ(losses[1].count, 1U);
}

TEST(CaptureReader, LossesAreBoundedInNumberAndNoneIsForgotten) {
  CaptureWriter writer;
  std::string file;
  for (std::uint64_t i = 1; i <= CaptureReader::kLossesMax + 5; ++i) {
    writer.AppendStatistics(
        1, {.wall_ns = static_cast<std::int64_t>(i), .received_count = i, .dropped_count = i},
        file);
  }
  CaptureReader reader;
  EXPECT_TRUE(reader.Feed({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()},
                          [](const CapturedPacket&) {}));
  ASSERT_EQ(reader.losses().size(), CaptureReader::kLossesMax);
  EXPECT_EQ(reader.losses().back().count, 6U);
  EXPECT_EQ(reader.losses().back().until_wall_ns,
            static_cast<std::int64_t>(CaptureReader::kLossesMax + 5));
}

TEST(CaptureWriter, APacketKeepsItsComment) {
  EXPECT_NE(Written({{1, 1, 1, {1}}}, "by nginx").find("by nginx"), std::string::npos);
}

}  // namespace
}  // namespace spoor::packets

// SPDX-License-Identifier: Apache-2.0
#include "packets/frame.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "packets/capture_for_tests.hpp"

namespace spoor::packets {
namespace {

using namespace test;

/// "source:port > destination:port protocol payload" of every layer, or what it is instead.
std::string Decode(unsigned link_type, const std::string& frame,
                   std::size_t captured = std::string::npos) {
  Frame decoded;
  const std::string data = frame.substr(0, captured);
  DecodeFrame(static_cast<std::uint16_t>(link_type),
              {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()},
              static_cast<std::uint32_t>(frame.size()), decoded);
  if (decoded.verdict == Verdict::kNotDecoded) return "not decoded";
  if (decoded.verdict == Verdict::kMalformed) return "malformed";
  std::string text;
  for (std::size_t index = 0; index < decoded.layer_count; ++index) {
    const Layer& layer = decoded.layers[index];
    if (index != 0) text += ", ";
    text += fmt::format("{}:{} > {}:{} {} {}", layer.ends.source.Text(), layer.ends.source_port,
                        layer.ends.destination.Text(), layer.ends.destination_port,
                        layer.ends.protocol, layer.payload_bytes);
  }
  return text;
}

const std::string kUdp = Udp(5, 6, "data");
const std::string kIp = Ipv4({.protocol = 17}, kUdp);
const std::string kIpv6 = Ipv6(17, kUdp);
const std::string kSeen = "10.0.0.1:5 > 10.0.0.2:6 17 4";
const std::string kSeen6 = "fd00::1:5 > fd00::2:6 17 4";

TEST(Frame, IsDecodedBehindEveryLinkType) {
  EXPECT_EQ(Decode(1, Ethernet(0x0800, kIp)), kSeen);
  EXPECT_EQ(Decode(1, Ethernet(0x86dd, kIpv6)), kSeen6);
  EXPECT_EQ(Decode(0, Le32(2) + kIp), kSeen);
  EXPECT_EQ(Decode(0, Be32(30) + kIpv6), kSeen6);
  EXPECT_EQ(Decode(108, Be32(24) + kIpv6), kSeen6);
  for (const unsigned raw : {12u, 14u, 101u, 228u}) EXPECT_EQ(Decode(raw, kIp), kSeen);
  EXPECT_EQ(Decode(229, kIpv6), kSeen6);
  EXPECT_EQ(Decode(113, Zeros(14) + Be16(0x0800) + kIp), kSeen);
  EXPECT_EQ(Decode(276, Be16(0x86dd) + Zeros(18) + kIpv6), kSeen6);
  EXPECT_EQ(Decode(9, Join({0xff, 3, 0, 0x21}) + kIp), kSeen);
  EXPECT_EQ(Decode(9, Join({0x21}) + kIp), kSeen);
  EXPECT_EQ(Decode(104, Join({0x0f, 0, 8, 0}) + kIp), kSeen);
  EXPECT_EQ(Decode(107, Join({0x18, 0x41, 3, 0xcc}) + kIp), kSeen);
  EXPECT_EQ(Decode(239, Join({2, 0, 0, 0}) + Le16(8) + Le16(10) + Zeros(4) +
                            Le16(static_cast<unsigned>(4 + kIp.size())) + Le16(9) + kIp),
            kSeen);
  const std::string snap = Join({0xaa, 0xaa, 3, 0, 0, 0}) + Be16(0x0800) + kIp;
  const std::string wireless = Join({0x08, 0x01}) + Zeros(22) + snap;
  EXPECT_EQ(Decode(105, wireless), kSeen);
  EXPECT_EQ(Decode(127, Join({0, 0, 8, 0, 0, 0, 0, 0}) + wireless), kSeen);
  EXPECT_EQ(Decode(1, Zeros(12) + Be16(static_cast<unsigned>(snap.size())) + snap), kSeen);
  EXPECT_EQ(Decode(129, Zeros(4) + Join({240}) + kIp), kSeen);
  EXPECT_EQ(Decode(250, kIp), "not decoded");
}

TEST(Frame, IsDecodedBehindRareLinkTypes) {
  const std::string ether = Ethernet(0x0800, kIp);
  const std::string snap = Join({0xaa, 0xaa, 3, 0, 0, 0}) + Be16(0x0800) + kIp;
  const std::string wireless = Join({0x88, 0x01}) + Zeros(22) + Zeros(2) + snap;  // with QoS
  const std::string ppp = Join({0xff, 3, 0, 0x21}) + kIp;
  const std::string hdlc = Join({0x0f, 0, 8, 0}) + kIp;
  EXPECT_EQ(Decode(0, Be32(2) + kIp), kSeen);
  EXPECT_EQ(Decode(0, Le32(24) + kIpv6), kSeen6);
  EXPECT_EQ(Decode(108, Be32(2) + kIp), kSeen);
  EXPECT_EQ(Decode(8, Zeros(16) + kIp), kSeen) << "SLIP";
  EXPECT_EQ(Decode(10, Zeros(13) + snap), kSeen) << "FDDI";
  EXPECT_EQ(Decode(6, Zeros(14) + snap), kSeen) << "token ring";
  EXPECT_EQ(Decode(6, Zeros(8) + Join({0x80}) + Zeros(5) + Join({0x02, 0}) + snap), kSeen);
  EXPECT_EQ(Decode(50, ppp), kSeen);
  EXPECT_EQ(Decode(50, hdlc), kSeen);
  EXPECT_EQ(Decode(51, Join({0x11, 0, 0, 1}) + Be16(static_cast<unsigned>(kIp.size() + 2)) +
                           Be16(0x21) + kIp),
            kSeen);
  EXPECT_EQ(Decode(100, snap), kSeen);
  EXPECT_EQ(Decode(106, kIp), kSeen);
  EXPECT_EQ(Decode(106, snap), kSeen);
  EXPECT_EQ(Decode(109, Zeros(12) + kIp), kSeen) << "enc";
  EXPECT_EQ(Decode(117, Join({61}) + Zeros(63) + kIp), kSeen) << "pflog";
  EXPECT_EQ(Decode(119, Zeros(144) + wireless), kSeen) << "Prism";
  EXPECT_EQ(Decode(122, Zeros(16) + snap), kSeen);
  EXPECT_EQ(Decode(123, Join({2, 0, 0, 0}) + snap), kSeen);
  EXPECT_EQ(Decode(138, Zeros(16) + Be16(0x0800) + kIp), kSeen);
  EXPECT_EQ(Decode(163, Be32(0x80211001) + Be32(64) + Zeros(56) + wireless), kSeen) << "AVS";
  EXPECT_EQ(Decode(166, Join({0, 3, 0, 0x21}) + kIp), kSeen);
  EXPECT_EQ(Decode(178, "MGC" + Join({1, 0, 0}).substr(0, 1) + ether), kSeen) << "Juniper";
  EXPECT_EQ(Decode(178, "MGC" + Join({0x81}) + Be16(5) + Zeros(5) + ether), kSeen);
  EXPECT_EQ(Decode(204, Zeros(1) + ppp), kSeen);
  EXPECT_EQ(Decode(205, Zeros(1) + hdlc), kSeen);
  EXPECT_EQ(Decode(206, Zeros(1) + Join({0x18, 0x41, 3, 0xcc}) + kIp), kSeen);
  EXPECT_EQ(Decode(219, Be32(0x00010140) + kIp), kSeen) << "MPLS";
  EXPECT_EQ(Decode(226, Join({1, 2}) + Zeros(22) + kIp), kSeen) << "ipnet";
  EXPECT_EQ(Decode(240, Zeros(4) + ether), kSeen);
  EXPECT_EQ(Decode(241, Zeros(12) + ether), kSeen);
  EXPECT_EQ(Decode(242, Zeros(40) + Be16(0x0800) + Zeros(2) + kIp), kSeen);
  EXPECT_EQ(Decode(258, Le32(108) + Le32(1) + Le32(1) + Zeros(96) + ether), kSeen) << "PKTAP";
  EXPECT_EQ(Decode(258, Le32(12) + Le32(1) + Le32(258) + ether), "not decoded");
  EXPECT_EQ(Decode(274, Zeros(8) + ether), kSeen);
  EXPECT_EQ(Decode(282, Zeros(4) + ether), kSeen);
  EXPECT_EQ(Decode(283, Zeros(16) + Be16(0x0800) + kIp), kSeen);
  EXPECT_EQ(Decode(284, Zeros(20) + Be16(0x0800) + kIp), kSeen);
}

TEST(Frame, IsDecodedBehindRareTags) {
  const std::string ether = Ethernet(0x0800, kIp);
  for (const unsigned tag : {0x9100u, 0x9200u, 0x9300u, 0x88a8u}) {
    EXPECT_EQ(Decode(1, Ethernet(tag, Be16(5) + Be16(0x8100) + Be16(6) + Be16(0x0800) + kIp)),
              kSeen);
  }
  for (const unsigned tag : {0x8926u, 0x892fu, 0xf1c1u}) {
    EXPECT_EQ(Decode(1, Ethernet(tag, Zeros(4) + Be16(0x0800) + kIp)), kSeen);
  }
  EXPECT_EQ(Decode(1, Ethernet(0x88e5, Zeros(6) + Be16(0x0800) + kIp)), kSeen) << "MACsec";
  EXPECT_EQ(Decode(1, Ethernet(0x88e5, Join({0x0c}) + Zeros(5) + Be16(0x0800) + kIp)),
            "not decoded");
  EXPECT_EQ(Decode(1, Ethernet(0x8903, Zeros(2) + ether)), kSeen) << "FabricPath";
  EXPECT_EQ(Decode(1, Ethernet(0x22f3, Zeros(6) + ether)), kSeen) << "TRILL";
  EXPECT_EQ(Decode(1, Ethernet(0x894f, Join({0, 2, 1, 3}) + Zeros(4) + ether)), kSeen) << "NSH";
  EXPECT_EQ(
      Decode(1, Join({1, 0, 0x0c, 0, 0}) + Zeros(9) + Join({0xaa, 0xaa, 3}) + Zeros(9) + ether),
      kSeen)
      << "ISL";
  EXPECT_EQ(Decode(1, Ethernet(0x8847, Be32(0x00010140) + Zeros(4) + ether)), kSeen);
}

TEST(Frame, IsDecodedBehindTagsAndLabels) {
  EXPECT_EQ(Decode(1, Ethernet(0x8100, Be16(5) + Be16(0x0800) + kIp)), kSeen);
  EXPECT_EQ(Decode(1, Ethernet(0x88a8, Be16(5) + Be16(0x8100) + Be16(6) + Be16(0x0800) + kIp)),
            kSeen);
  EXPECT_EQ(Decode(1, Ethernet(0x8847, Be32(0x00010040) + Be32(0x00020140) + kIp)), kSeen);
  const auto length = static_cast<unsigned>(kIp.size() + 2);
  EXPECT_EQ(Decode(1, Ethernet(0x8864, Join({0x11, 0, 0, 1}) + Be16(length) + Be16(0x21) + kIp)),
            kSeen);
}

TEST(Frame, InATunnelOverIpReplacesWhatCarriesIt) {
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 4, .source = 8, .destination = 9}, kIp)), kSeen);
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 41, .source = 8, .destination = 9}, kIpv6)), kSeen6);
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 47}, Be16(0x2000) + Be16(0x0800) + Be32(1) + kIp)),
            kSeen);
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 47}, Be16(0) + Be16(0x6558) + Ethernet(0x0800, kIp))),
            kSeen);
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 51}, Join({17, 1}) + Zeros(10) + kUdp)), kSeen);
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 47}, Be16(0) + Be16(0x0bad) + "what is this?")),
            "10.0.0.1:0 > 10.0.0.2:0 47 17");
}

TEST(Frame, InATunnelOverUdpComesAfterWhatCarriesIt) {
  const auto carried = [](unsigned port, const std::string& inside) {
    return Decode(101,
                  Ipv4({.protocol = 17, .source = 8, .destination = 9}, Udp(50000, port, inside)));
  };
  const auto carrier = [](unsigned port, std::size_t size) {
    return fmt::format("10.0.0.8:50000 > 10.0.0.9:{} 17 {}, ", port, size);
  };
  const std::string ether = Ethernet(0x0800, kIp);
  EXPECT_EQ(carried(4789, Join({8, 0, 0, 0, 0, 0, 1, 0}) + ether),
            carrier(4789, 8 + ether.size()) + kSeen);
  EXPECT_EQ(carried(6081, Join({0, 0, 0x65, 0x58, 0, 0, 1, 0}) + ether),
            carrier(6081, 8 + ether.size()) + kSeen);
  EXPECT_EQ(carried(3544, kIpv6), carrier(3544, kIpv6.size()) + kSeen6);
  EXPECT_EQ(carried(2152, Join({0x30, 0xff, 0, 0, 0, 0, 0, 1}) + kIp),
            carrier(2152, 8 + kIp.size()) + kSeen);
  EXPECT_EQ(carried(4790, Join({0x0c, 0, 0, 1, 0, 0, 1, 0}) + kIp),
            carrier(4790, 8 + kIp.size()) + kSeen);
  EXPECT_EQ(carried(1701, Be16(0x0002) + Be16(1) + Be16(2) + Join({0xff, 3, 0, 0x21}) + kIp),
            carrier(1701, 10 + kIp.size()) + kSeen);
  EXPECT_EQ(carried(4341, Zeros(8) + kIp), carrier(4341, 8 + kIp.size()) + kSeen);
  EXPECT_EQ(carried(6635, Be32(0x00010140) + kIp), carrier(6635, 4 + kIp.size()) + kSeen);
  EXPECT_EQ(carried(37008, Join({1, 0, 0, 1, 10, 1, 0xd0, 0, 1}) + ether),
            carrier(37008, 9 + ether.size()) + kSeen);
  EXPECT_EQ(carried(4789, "not a tunnel"), "10.0.0.8:50000 > 10.0.0.9:4789 17 12");
}

TEST(Frame, OfIpv6IsReadBehindItsExtensionHeaders) {
  const std::string hop = Join({60, 0}) + Zeros(6);
  const std::string options = Join({17, 0}) + Zeros(6);
  EXPECT_EQ(Decode(101, Ipv6(0, hop + options + kUdp)), kSeen6);
  EXPECT_EQ(Decode(101, Ipv6(0, Join({17, 99}) + Zeros(6) + kUdp)), "malformed");
}

TEST(Frame, ThatIsCutHasTheLengthsOfIp) {
  const std::string frame = Ip4Frame({}, Tcp({}, std::string(500, 'x')));
  EXPECT_EQ(Decode(1, frame, 54), "10.0.0.1:40000 > 10.0.0.2:80 6 500");
  EXPECT_EQ(Decode(1, frame, 40), "10.0.0.1:40000 > 10.0.0.2:80 6 500");
  EXPECT_EQ(Decode(1, frame, 30), "not decoded");
  EXPECT_EQ(Decode(1, frame.substr(0, 60) + Zeros(0)), "malformed") << "IP says more than there is";
}

TEST(Frame, ThatIsPaddedHasTheLengthsOfIp) {
  EXPECT_EQ(Decode(1, Ip4Frame({}, Tcp({})) + Zeros(6)), "10.0.0.1:40000 > 10.0.0.2:80 6 0");
}

TEST(Frame, ThatContradictsItselfIsMalformed) {
  EXPECT_EQ(Decode(101, Join({0x44}) + kIp.substr(1)), "malformed");
  EXPECT_EQ(Decode(101, Join({0x95}) + kIp.substr(1)), "malformed");
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 17}, Be16(5) + Be16(6) + Be16(900) + Be16(0))),
            "malformed");
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 6}, "short")), "malformed");
}

TEST(Frame, OfAnIcmpErrorTellsWhatItIsAbout) {
  const std::string error =
      Ipv4({.protocol = 1, .source = 9, .destination = 1}, Join({3, 3, 0, 0}) + Zeros(4) + kIp);
  Frame decoded;
  DecodeFrame(101, {reinterpret_cast<const std::uint8_t*>(error.data()), error.size()},
              static_cast<std::uint32_t>(error.size()), decoded);
  ASSERT_EQ(decoded.layer_count, 1u);
  ASSERT_TRUE(decoded.layers[0].about);
  EXPECT_EQ(decoded.layers[0].about->source.Text(), "10.0.0.1");
  EXPECT_EQ(decoded.layers[0].about->destination_port, 6);
}

TEST(Frame, OfSctpCountsUserDataOnly) {
  const std::string chunks =
      Join({3, 0, 0, 16}) + Zeros(12) + Join({0, 3, 0, 19}) + Zeros(12) + "abc" + Zeros(1);
  EXPECT_EQ(Decode(101, Ipv4({.protocol = 132}, Be16(5) + Be16(6) + Zeros(8) + chunks)),
            "10.0.0.1:5 > 10.0.0.2:6 132 3");
}

// Headers that can contain themselves, as deep as a frame is long: must end, and not on the stack.
TEST(Frame, OfEndlessTunnelsEnds) {
  std::string labels, tags, tunnels;
  for (int count = 0; count < 20000; ++count) {
    labels += Be32(0x00000100) + Zeros(4) + Zeros(12) + Be16(0x8847);
    tags += Be16(5) + Be16(0x8100);
  }
  Decode(1, Ethernet(0x8847, labels));
  Decode(1, Ethernet(0x8100, tags));
  for (int count = 0; count < 1000; ++count)
    tunnels = Ipv4({.protocol = 4}, tunnels.substr(0, 60000));
  EXPECT_NE(Decode(101, tunnels), "");
}

}  // namespace
}  // namespace spoor::packets

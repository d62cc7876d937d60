// SPDX-License-Identifier: Apache-2.0
#include "packets/flow_builder.hpp"

#include <gtest/gtest.h>

#include <map>

#include "packets/capture_for_tests.hpp"

namespace spoor::packets {
namespace {

using namespace test;

constexpr unsigned kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

struct Built {
  std::vector<std::string> flows;
  std::vector<std::int64_t> ids;
  FlowCounts counts;
};

/// "10.0.0.1:40000 > 10.0.0.2:80 SF 3/2 packets 10/20 bytes" of every flow.
Built Build(const Pcap& pcap, const FlowPolicy& policy = {}) {
  Built built;
  FlowBuilder builder(policy, "name", [&](const Flow& flow) {
    built.flows.push_back(
        fmt::format("{}:{} > {}:{} {} {}/{} packets {}/{} bytes", flow.ends.source.Text(),
                    flow.ends.source_port, flow.ends.destination.Text(), flow.ends.destination_port,
                    flow.State(), flow.source.packet_count, flow.destination.packet_count,
                    flow.source.payload_bytes, flow.destination.payload_bytes));
    built.ids.push_back(flow.flow_id);
  });
  CaptureReader reader;
  const std::string& bytes = pcap.bytes();
  EXPECT_TRUE(reader.Feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                          [&](const CapturedPacket& packet) { builder.Add(packet); }));
  EXPECT_TRUE(reader.Finish());
  builder.Finish();
  built.counts = builder.counts();
  return built;
}

std::string Forward(unsigned flags, std::uint32_t sequence, const std::string& data = "",
                    unsigned port = 40000) {
  return Ip4Frame({}, Tcp({.source_port = port, .sequence = sequence, .flags = flags}, data));
}
std::string Back(unsigned flags, std::uint32_t sequence, const std::string& data = "",
                 unsigned port = 40000) {
  return Ip4Frame(
      {.source = 2, .destination = 1},
      Tcp({.source_port = 80, .destination_port = port, .sequence = sequence, .flags = flags},
          data));
}

TEST(FlowBuilder, FollowsAConnectionFromEndToEnd) {
  Pcap pcap;
  pcap.Add(1, Forward(kSyn, 100)).Add(1.1, Back(kSyn | kAck, 500)).Add(1.2, Forward(kAck, 101));
  pcap.Add(1.3, Forward(kAck, 101, "GET / HTTP/1.1\r\n\r\n"));
  pcap.Add(1.4, Back(kAck, 501, "HTTP/1.1 200 OK\r\n\r\n")).Add(1.5, Back(kFin | kAck, 520));
  pcap.Add(1.6, Forward(kFin | kAck, 119)).Add(1.7, Back(kAck, 521));
  const Built built = Build(pcap);
  EXPECT_EQ(built.flows,
            std::vector<std::string>{"10.0.0.1:40000 > 10.0.0.2:80 SF 4/4 packets 18/19 bytes"});
  EXPECT_EQ(built.counts.flows, 1u);
}

TEST(FlowBuilder, NamesTheStateOfAConnection) {
  const auto state = [](std::initializer_list<std::string> frames) {
    Pcap pcap;
    double time = 1;
    for (const std::string& frame : frames) pcap.Add(time += 0.1, frame);
    const std::string flow = Build(pcap).flows.at(0);
    const std::size_t at = flow.find(":80 ") + 4;
    return flow.substr(at, flow.find(' ', at) - at);
  };
  const std::string syn = Forward(kSyn, 1), syn_ack = Back(kSyn | kAck, 1);
  EXPECT_EQ(state({syn}), "S0");
  EXPECT_EQ(state({syn, Back(kRst | kAck, 0)}), "REJ");
  EXPECT_EQ(state({syn, syn_ack}), "S1");
  EXPECT_EQ(state({syn, syn_ack, Forward(kFin | kAck, 2)}), "S2");
  EXPECT_EQ(state({syn, syn_ack, Back(kFin | kAck, 2)}), "S3");
  EXPECT_EQ(state({syn, syn_ack, Forward(kRst, 2)}), "RSTO");
  EXPECT_EQ(state({syn, syn_ack, Back(kRst, 2)}), "RSTR");
  EXPECT_EQ(state({syn, Forward(kRst, 2)}), "RSTOS0");
  EXPECT_EQ(state({syn, Forward(kFin, 2)}), "SH");
  EXPECT_EQ(state({syn_ack, Back(kRst, 2)}), "RSTRH");
  EXPECT_EQ(state({syn_ack, Back(kFin, 2)}), "SHR");
  EXPECT_EQ(state({Forward(kAck, 2), Back(kAck, 2)}), "OTH");
}

TEST(FlowBuilder, TakesWhoSentTheSynForTheSource) {
  // Only the answer was seen.
  EXPECT_EQ(Build(Pcap().Add(1, Back(kSyn | kAck, 1))).flows.at(0),
            "10.0.0.1:40000 > 10.0.0.2:80 OTH 0/1 packets 0/0 bytes");
  // The answer was captured first.
  EXPECT_EQ(Build(Pcap().Add(1, Back(kSyn | kAck, 1)).Add(1, Forward(kSyn, 1))).flows.at(0),
            "10.0.0.1:40000 > 10.0.0.2:80 S1 1/1 packets 0/0 bytes");
  // Neither was seen: who spoke first.
  EXPECT_EQ(Build(Pcap().Add(1, Back(kAck, 1, "x"))).flows.at(0),
            "10.0.0.2:80 > 10.0.0.1:40000 OTH 1/0 packets 1/0 bytes");
}

TEST(FlowBuilder, CountsPayloadOnceHoweverOftenItIsSent) {
  Pcap pcap;
  pcap.Add(1, Forward(kAck, 100, "aaaa")).Add(1, Forward(kAck, 100, "aaaa"));
  pcap.Add(1, Forward(kAck, 102, "aabb"));  // half of it again
  pcap.Add(1, Forward(kAck, 110, "dddd"));  // 106 to 109 is missing …
  pcap.Add(1, Forward(kAck, 106, "cccc"));  // … and comes late …
  pcap.Add(1, Forward(kAck, 106, "cccc"));  // … and again
  pcap.Add(1, Forward(kAck, 113, "d"));
  EXPECT_EQ(Build(pcap).flows.at(0), "10.0.0.1:40000 > 10.0.0.2:80 OTH 7/0 packets 14/0 bytes");
  Pcap around;
  around.Add(1, Forward(kAck, 0xfffffffe, "aaaa")).Add(1, Forward(kAck, 2, "bb"));
  around.Add(1, Forward(kAck, 0xfffffffe, "aaaa"));
  EXPECT_EQ(Build(around).flows.at(0), "10.0.0.1:40000 > 10.0.0.2:80 OTH 3/0 packets 6/0 bytes");
}

TEST(FlowBuilder, BeginsAnotherFlowWithAnotherSyn) {
  Pcap pcap;
  pcap.Add(1, Forward(kSyn, 100)).Add(1.1, Back(kRst | kAck, 0)).Add(2, Forward(kSyn, 100));
  EXPECT_EQ(Build(pcap).flows.size(), 1u) << "the same SYN again is the same attempt";
  pcap.Add(3, Forward(kSyn, 777)).Add(3.1, Back(kSyn | kAck, 9));
  pcap.Add(4, Forward(kSyn, 999)).Add(4.1, Forward(kSyn, 999));
  EXPECT_EQ(Build(pcap).flows,
            (std::vector<std::string>{"10.0.0.1:40000 > 10.0.0.2:80 REJ 2/1 packets 0/0 bytes",
                                      "10.0.0.1:40000 > 10.0.0.2:80 S1 1/1 packets 0/0 bytes",
                                      "10.0.0.1:40000 > 10.0.0.2:80 S0 2/0 packets 0/0 bytes"}));
}

TEST(FlowBuilder, EndsFlowsThatAreIdle) {
  const std::string ask = Ip4Frame({.protocol = 17}, Udp(5, 6, "ab"));
  const std::string answer =
      Ip4Frame({.protocol = 17, .source = 2, .destination = 1}, Udp(6, 5, "c"));
  Pcap pcap;
  pcap.Add(1, ask).Add(2, answer).Add(50, ask).Add(200, ask);
  EXPECT_EQ(Build(pcap).flows,
            (std::vector<std::string>{"10.0.0.1:5 > 10.0.0.2:6 SF 2/1 packets 4/1 bytes",
                                      "10.0.0.1:5 > 10.0.0.2:6 S0 1/0 packets 2/0 bytes"}));
  // A connection may be silent for longer.
  Pcap long_one;
  long_one.Add(1, Forward(kSyn, 1)).Add(1, Back(kSyn | kAck, 1)).Add(3000, Forward(kAck, 2, "x"));
  EXPECT_EQ(Build(long_one).flows.size(), 1u);
}

TEST(FlowBuilder, OutlivesOnePacketWithATimeFarAhead) {
  Pcap pcap;
  pcap.Add(1, Forward(kSyn, 1)).Add(1, Back(kSyn | kAck, 1));
  pcap.Add(4'000'000'000, Forward(kSyn, 5, "", 50000)).Add(2, Forward(kAck, 2, "x"));
  EXPECT_EQ(Build(pcap).flows.size(), 2u);
}

TEST(FlowBuilder, GivesLaterFragmentsTheFlowOfTheFirst) {
  const std::string datagram = Udp(5, 6, std::string(32, 'x'));
  Pcap pcap;
  pcap.Add(1, Ip4Frame({.protocol = 17, .fragment = 0x2000}, datagram.substr(0, 24)));
  pcap.Add(1, Ip4Frame({.protocol = 17, .fragment = 0x0003}, datagram.substr(24)));
  EXPECT_EQ(Build(pcap).flows,
            std::vector<std::string>{"10.0.0.1:5 > 10.0.0.2:6 S0 2/0 packets 32/0 bytes"});
}

TEST(FlowBuilder, MakesOneFlowOfAskingAndAnsweringByIcmp) {
  const auto echo = [](unsigned type, unsigned from, unsigned to) {
    return Ip4Frame({.protocol = 1, .source = from, .destination = to},
                    Join({type, 0, 0, 0, 0, 1, 0, 1}) + "ping");
  };
  EXPECT_EQ(Build(Pcap().Add(1, echo(8, 1, 2)).Add(1, echo(0, 2, 1))).flows,
            std::vector<std::string>{"10.0.0.1:8 > 10.0.0.2:0 OTH 1/1 packets 4/4 bytes"});
}

TEST(FlowBuilder, TellsAFlowOfTheErrorThatItCaused) {
  const std::string ask = Ipv4({.protocol = 17}, Udp(5, 6, "ab"));
  Pcap pcap(101);
  pcap.Add(1, ask);
  pcap.Add(1, Ipv4({.protocol = 1, .source = 2, .destination = 1}, Join({3, 3}) + Zeros(6) + ask));
  std::map<std::string, std::uint64_t> errors;
  FlowBuilder builder({}, "", [&](const Flow& flow) {
    errors[flow.Transport()] = flow.icmp_error_count * 100 + flow.icmp_error_code;
  });
  CaptureReader reader;
  const std::string& bytes = pcap.bytes();
  ASSERT_TRUE(reader.Feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                          [&](const CapturedPacket& packet) { builder.Add(packet); }));
  builder.Finish();
  EXPECT_EQ(errors["udp"], 103u);
  EXPECT_EQ(errors["icmp"], 0u);
}

TEST(FlowBuilder, HoldsNoMoreFlowsThanThePolicyAllows) {
  Pcap pcap;
  for (unsigned port = 1; port <= 5000; ++port) pcap.Add(1, Forward(kSyn, 1, "", port));
  const Built built = Build(pcap, {.flows_max = 100});
  EXPECT_EQ(built.flows.size(), 5000u) << "what ends early is given out all the same";
  EXPECT_EQ(built.counts.flows_cut, 4900u);
}

TEST(FlowBuilder, GivesTheSamePacketsTheSameIds) {
  Pcap pcap;
  for (unsigned port = 1; port <= 50; ++port) pcap.Add(1, Forward(kSyn, 1, "", port));
  const Built first = Build(pcap), second = Build(pcap);
  EXPECT_EQ(first.ids, second.ids);
  EXPECT_EQ(first.flows, second.flows);
}

TEST(FlowBuilder, CountsWhatItCannotDecode) {
  Pcap pcap;
  pcap.Add(1, Ethernet(0x0806, "who has")).Add(1, Ethernet(0x0800, Join({0x41}) + Zeros(30)));
  pcap.Add(1, Forward(kSyn, 1));
  const Built built = Build(pcap);
  EXPECT_EQ(built.counts.packets, 3u);
  EXPECT_EQ(built.counts.not_decoded, 1u);
  EXPECT_EQ(built.counts.malformed, 1u);
  EXPECT_EQ(built.counts.flows, 1u);
}

TEST(FlowBuilder, AFlowThatGoesOnForLongerThanThePolicyIsToldInPartsThatAddUp) {
  Pcap pcap;
  pcap.Add(1, Forward(kSyn, 100)).Add(1.1, Back(kSyn | kAck, 500)).Add(1.2, Forward(kAck, 101));
  pcap.Add(2, Forward(kAck, 101, "abcd")).Add(8, Back(kAck, 501, "xyz"));
  // Sent again after the cut: not counted twice.
  pcap.Add(20, Forward(kAck, 101, "abcd")).Add(21, Forward(kAck, 105, "efgh"));
  FlowPolicy policy;
  policy.active_ns = 10'000'000'000;
  const Built built = Build(pcap, policy);
  ASSERT_EQ(built.flows.size(), 2U);
  EXPECT_EQ(built.flows[0], "10.0.0.1:40000 > 10.0.0.2:80 S1 3/2 packets 4/3 bytes");
  EXPECT_EQ(built.flows[1], "10.0.0.1:40000 > 10.0.0.2:80 S1 2/0 packets 4/0 bytes");
  EXPECT_NE(built.ids[0], built.ids[1]);
  EXPECT_EQ(Build(pcap).flows,
            (std::vector<std::string>{"10.0.0.1:40000 > 10.0.0.2:80 S1 5/2 packets 8/3 bytes"}));
}

}  // namespace
}  // namespace spoor::packets

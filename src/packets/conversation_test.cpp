// SPDX-License-Identifier: Apache-2.0
#include "packets/conversation.hpp"

#include <gtest/gtest.h>

#include "packets/capture_for_tests.hpp"
#include "packets/client_hello.hpp"
#include "packets/recognise.hpp"

namespace spoor::packets {
namespace {

using namespace test;

Bytes AsBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string Extension(unsigned type, const std::string& body) {
  return Be16(type) + Be16(static_cast<unsigned>(body.size())) + body;
}
std::string Sized16(const std::string& body) {
  return Be16(static_cast<unsigned>(body.size())) + body;
}

/// A hello that offers TLS 1.3 and 1.2, two ciphers and one to be ignored.
std::string Hello() {
  const std::string name = "www.example.org";
  const std::string extensions = Extension(0x1a1a, "") +
                                 Extension(0, Sized16(Join({0}) + Sized16(name))) +
                                 Extension(16, Sized16(Join({2}) + "h2")) +
                                 Extension(13, Sized16(Be16(0x0403) + Be16(0x0804))) +
                                 Extension(43, Join({4}) + Be16(0x0304) + Be16(0x0303));
  const std::string body = Be16(0x0303) + Zeros(32) + Join({0}) +
                           Sized16(Be16(0x0a0a) + Be16(0x1302) + Be16(0x1301)) + Join({1, 0}) +
                           Sized16(extensions);
  return Join({1, 0}) + Be16(static_cast<unsigned>(body.size())) + body;
}
std::string Record(const std::string& part) {
  return Join({22, 3, 1}) + Sized16(part);
}

Ends EndsOf(std::uint8_t protocol, std::uint16_t port) {
  Ends ends;
  ends.source_port = 40000;
  ends.destination_port = port;
  ends.protocol = protocol;
  ends.has_ports = true;
  return ends;
}
const Ends kTcpEnds = EndsOf(6, 443);

TEST(Conversation, TellsTheServerNameAndFingerprintOfATlsClient) {
  ConversationRoom room{.left_bytes = 1 << 20, .not_followed_count = 0};
  const std::string hello = Hello();
  for (std::size_t cut = 1; cut < hello.size(); cut += 7) {
    // Two records, in three segments.
    const std::string stream = Record(hello.substr(0, cut)) + Record(hello.substr(cut));
    Conversation conversation;
    conversation.Take(true, AsBytes(stream.substr(0, 10)), kTcpEnds, room);
    conversation.Take(true, AsBytes(stream.substr(10, 40)), kTcpEnds, room);
    conversation.Take(true, AsBytes(stream.substr(50)), kTcpEnds, room);
    EXPECT_EQ(conversation.application(), "tls");
    EXPECT_EQ(conversation.server_name(), "www.example.org");
    // The digests are the beginnings of SHA-256 of "1301,1302" and of "000d,002b_0403,0804".
    EXPECT_EQ(conversation.client_fingerprint(), "t13d0204h2_62ed6f6ca7ad_ef5f37ab036a");
    EXPECT_TRUE(conversation.done());
    EXPECT_EQ(room.left_bytes, 1u << 20) << "what was held is given back";
  }
}

TEST(Conversation, GivesUpOnAHelloThatIsNotWholeOrTooLong) {
  ConversationRoom room{.left_bytes = 100, .not_followed_count = 0};
  const std::string record = Record(Hello());
  Conversation gap;
  gap.Take(true, AsBytes(record.substr(0, 50)), kTcpEnds, room);
  gap.Take(true, {}, kTcpEnds, room);
  EXPECT_TRUE(gap.done());
  EXPECT_EQ(gap.server_name(), "");
  EXPECT_EQ(room.left_bytes, 100u);
  Conversation endless;
  endless.Take(true, AsBytes(Join({22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0}) + std::string(80, 'x')),
               kTcpEnds, room);
  endless.Take(true, AsBytes(std::string(80, 'x')), kTcpEnds, room);
  EXPECT_TRUE(endless.done());
  EXPECT_EQ(room.not_followed_count, 1u);
  EXPECT_EQ(room.left_bytes, 100u);
}

TEST(Conversation, IsRecognisedByWhatIsSaid) {
  const auto tcp = [](std::string_view text, unsigned port, bool from_source = true) {
    const Ends ends = EndsOf(6, static_cast<std::uint16_t>(port));
    return std::string(Recognise(ends, from_source, AsBytes(std::string(text))));
  };
  EXPECT_EQ(tcp("GET /index HTTP/1.1\r\n", 8081), "http");
  EXPECT_EQ(tcp("GET me some", 80), "");
  EXPECT_EQ(tcp("SSH-2.0-OpenSSH_9\r\n", 2222, false), "ssh");
  EXPECT_EQ(tcp("220 mail ESMTP\r\n", 2525, false), "smtp");
  EXPECT_EQ(tcp("220 welcome\r\n", 21, false), "ftp");
  EXPECT_EQ(tcp("220 welcome\r\n", 9999, false), "");
  EXPECT_EQ(tcp("NICK me\r\nUSER a b c d\r\n", 9999), "irc");
  EXPECT_EQ(tcp("what is this", 22), "") << "a port alone says nothing";
  const Ends dns = EndsOf(17, 53);
  EXPECT_EQ(Recognise(dns, true, AsBytes(Be16(7) + Be16(0x0100) + Be16(1) + Zeros(6) + Join({0}))),
            "dns");
  EXPECT_EQ(Recognise(dns, true, AsBytes("no dns at all, but long")), "");
}

TEST(ClientHello, IsReadFromAnyBytesWithoutHarm) {
  const std::string record = Record(Hello());
  for (std::size_t size = 0; size < record.size(); ++size) {
    ClientHello hello;
    EXPECT_NE(ReadTlsHello(AsBytes(record.substr(0, size)), hello), HelloRead::kWhole);
  }
  for (std::size_t at = 0; at < record.size(); ++at) {
    std::string changed = record;
    changed[at] = static_cast<char>(~changed[at]);
    ClientHello hello;
    static_cast<void>(ReadTlsHello(AsBytes(changed), hello));
  }
}

TEST(ClientHello, WithoutWhatJa4ShowsHasZerosThere) {
  ClientHello bare;
  bare.version = 0x0303;
  EXPECT_EQ(Ja4(bare, 't'), "t12i000000_000000000000_000000000000");
}

}  // namespace
}  // namespace spoor::packets

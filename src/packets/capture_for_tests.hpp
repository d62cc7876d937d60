// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// Frames and captures made by hand, for tests.
namespace spoor::packets::test {

inline std::string Be16(unsigned number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}
inline std::string Be32(std::uint32_t number) {
  return Be16(number >> 16) + Be16(number & 0xffff);
}
inline std::string Le16(unsigned number) {
  return {static_cast<char>(number), static_cast<char>(number >> 8)};
}
inline std::string Le32(std::uint32_t number) {
  return Le16(number & 0xffff) + Le16(number >> 16);
}
inline std::string Zeros(std::size_t count) {
  return std::string(count, '\0');
}
inline std::string Join(std::initializer_list<unsigned> bytes) {
  std::string text;
  for (const unsigned byte : bytes) text += static_cast<char>(byte);
  return text;
}

/// 10.0.0.`last`
inline std::string Ip4(unsigned last) {
  return Join({10, 0, 0, last});
}
/// fd00::`last`
inline std::string Ip6(unsigned last) {
  return Join({0xfd}) + Zeros(14) + Join({last});
}

struct Ip4Fields {
  unsigned protocol = 6;
  unsigned source = 1, destination = 2;
  unsigned fragment = 0;  ///< flags and offset
  unsigned identification = 7;
};
inline std::string Ipv4(const Ip4Fields& fields, const std::string& inside) {
  return Join({0x45, 0}) + Be16(static_cast<unsigned>(20 + inside.size())) +
         Be16(fields.identification) + Be16(fields.fragment) + Join({64, fields.protocol}) +
         Be16(0) + Ip4(fields.source) + Ip4(fields.destination) + inside;
}
inline std::string Ipv6(unsigned next, const std::string& inside, unsigned source = 1,
                        unsigned destination = 2) {
  return Join({0x60, 0, 0, 0}) + Be16(static_cast<unsigned>(inside.size())) + Join({next, 64}) +
         Ip6(source) + Ip6(destination) + inside;
}
inline std::string Udp(unsigned source_port, unsigned destination_port, const std::string& data) {
  return Be16(source_port) + Be16(destination_port) + Be16(static_cast<unsigned>(8 + data.size())) +
         Be16(0) + data;
}
struct TcpFields {
  unsigned source_port = 40000, destination_port = 80;
  std::uint32_t sequence = 0, acknowledged = 0;
  unsigned flags = 0x10;
};
inline std::string Tcp(const TcpFields& fields, const std::string& data = "") {
  return Be16(fields.source_port) + Be16(fields.destination_port) + Be32(fields.sequence) +
         Be32(fields.acknowledged) + Join({0x50, fields.flags}) + Be16(1000) + Zeros(4) + data;
}
inline std::string Ethernet(unsigned type, const std::string& inside) {
  return Zeros(12) + Be16(type) + inside;
}
inline std::string Ip4Frame(const Ip4Fields& fields, const std::string& inside) {
  return Ethernet(0x0800, Ipv4(fields, inside));
}

/// A pcap file of little-endian numbers and microseconds, packet by packet.
class Pcap {
 public:
  explicit Pcap(unsigned link_type = 1)
      : bytes_(Le32(0xa1b2c3d4) + Le16(2) + Le16(4) + Zeros(8) + Le32(65535) + Le32(link_type)) {}
  Pcap& Add(double seconds, const std::string& frame, std::size_t captured = std::string::npos) {
    const std::string data = frame.substr(0, captured);
    const auto whole = static_cast<std::uint32_t>(seconds);
    const auto micros = static_cast<std::uint32_t>((seconds - whole) * 1e6 + 0.5);
    bytes_ += Le32(whole) + Le32(micros) + Le32(static_cast<std::uint32_t>(data.size())) +
              Le32(static_cast<std::uint32_t>(frame.size())) + data;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// A pcapng block.
inline std::string Block(std::uint32_t type, std::string body) {
  body.resize((body.size() + 3) / 4 * 4);
  const auto size = static_cast<std::uint32_t>(body.size() + 12);
  return Le32(type) + Le32(size) + body + Le32(size);
}
inline std::string SectionBlock() {
  return Block(0x0a0d0d0a, Le32(0x1a2b3c4d) + Le16(1) + Le16(0) + std::string(8, '\xff'));
}
/// `resolution`: as in if_tsresol.
inline std::string InterfaceBlock(unsigned link_type, unsigned resolution) {
  return Block(1, Le16(link_type) + Le16(0) + Le32(0) + Le16(9) + Le16(1) +
                      Join({resolution, 0, 0, 0}) + Le32(0));
}
inline std::string PacketBlock(std::uint32_t interface, std::uint64_t ticks,
                               const std::string& frame) {
  return Block(6, Le32(interface) + Le32(static_cast<std::uint32_t>(ticks >> 32)) +
                      Le32(static_cast<std::uint32_t>(ticks)) +
                      Le32(static_cast<std::uint32_t>(frame.size())) +
                      Le32(static_cast<std::uint32_t>(frame.size())) + frame);
}

}  // namespace spoor::packets::test

// SPDX-License-Identifier: Apache-2.0
#include "packets/client_hello.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace spoor::packets {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloType = 1;
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kHandshakeHeader = 4;
constexpr std::uint16_t kServerName = 0, kSignatureAlgorithms = 13, kProtocols = 16, kVersions = 43;
constexpr std::size_t kCountShownMax = 99;

bool IsGrease(std::uint16_t value) {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/// Bytes that are taken from the front; a number that is not there whole makes it bad for good.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}
  bool bad() const { return bad_; }
  bool empty() const { return bytes_.empty(); }
  Bytes Take(std::size_t count) {
    if (count > bytes_.size()) {
      bad_ = true;
      bytes_ = {};
      return {};
    }
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  std::uint8_t Number8() {
    const Bytes at = Take(1);
    return at.empty() ? std::uint8_t{0} : at[0];
  }
  std::uint16_t Number16() {
    const Bytes at = Take(2);
    return at.empty() ? std::uint16_t{0} : Big16(at.data());
  }
  /// A list that begins with its size in bytes.
  Reader List16() { return Reader(Take(Number16())); }
  Reader List8() { return Reader(Take(Number8())); }

 private:
  Bytes bytes_;
  bool bad_ = false;
};

std::string Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ReadExtension(std::uint16_t type, Bytes body, ClientHello& hello) {
  Reader reader(body);
  switch (type) {
    case kServerName: {
      hello.has_server_name = true;
      Reader names = reader.List16();
      if (names.Number8() == 0) hello.server_name = Text(names.Take(names.Number16()));
      break;
    }
    case kSignatureAlgorithms:
      for (Reader list = reader.List16(); !list.empty();) {
        const std::uint16_t algorithm = list.Number16();
        if (!list.bad() && !IsGrease(algorithm)) hello.signature_algorithms.push_back(algorithm);
      }
      break;
    case kProtocols:
      for (Reader list = reader.List16(); !list.empty();) {
        const Bytes name = list.Take(list.Number8());
        if (name.empty() || (name.size() == 2 && IsGrease(Big16(name.data())))) continue;
        hello.first_protocol = Text(name);
        break;
      }
      break;
    case kVersions:
      for (Reader list = reader.List8(); !list.empty();) {
        const std::uint16_t version = list.Number16();
        if (!list.bad() && !IsGrease(version)) hello.version = std::max(hello.version, version);
      }
      break;
    default:
      break;
  }
}

std::string_view VersionCode(std::uint16_t version) {
  switch (version) {
    case 0x0304:
      return "13";
    case 0x0303:
      return "12";
    case 0x0302:
      return "11";
    case 0x0301:
      return "10";
    case 0x0300:
      return "s3";
    case 0x0002:
      return "s2";
    case 0xfeff:
      return "d1";
    case 0xfefd:
      return "d2";
    case 0xfefc:
      return "d3";
    default:
      return "00";
  }
}

std::string ProtocolCode(const std::string& protocol) {
  if (protocol.empty()) return "00";
  const auto first = static_cast<unsigned char>(protocol.front());
  const auto last = static_cast<unsigned char>(protocol.back());
  if (std::isalnum(first) != 0 && std::isalnum(last) != 0) {
    return {protocol.front(), protocol.back()};
  }
  return {fmt::format("{:02x}", first).front(), fmt::format("{:02x}", last).back()};
}

std::string HexList(const std::vector<std::uint16_t>& numbers) {
  std::string list;
  for (const std::uint16_t number : numbers) {
    if (!list.empty()) list += ',';
    list += fmt::format("{:04x}", number);
  }
  return list;
}

std::string Digest(const std::string& text) {
  if (text.empty()) return std::string(12, '0');
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (std::size_t index = 0; index < 6; ++index) hex += fmt::format("{:02x}", digest[index]);
  return hex;
}

}  // namespace

bool BeginsWithClientHello(Bytes bytes) {
  return bytes.size() > kRecordHeader && bytes[0] == kHandshakeRecord && bytes[1] == 3 &&
         bytes[kRecordHeader] == kClientHelloType;
}

HelloRead ReadTlsHello(Bytes records, ClientHello& hello) {
  std::string message;
  for (;;) {
    if (records.size() < kRecordHeader) return HelloRead::kIncomplete;
    if (records[0] != kHandshakeRecord) return HelloRead::kNone;
    const std::size_t length = Big16(records.data() + 3);
    if (length == 0) return HelloRead::kNone;
    const Bytes body =
        records.subspan(kRecordHeader, std::min(length, records.size() - kRecordHeader));
    message += Text(body);
    const Bytes handshake(reinterpret_cast<const std::uint8_t*>(message.data()), message.size());
    if (message.size() >= kHandshakeHeader) {
      if (handshake[0] != kClientHelloType) return HelloRead::kNone;
      const std::size_t size = kHandshakeHeader + Big24(handshake.data() + 1);
      if (message.size() >= size) {
        return ReadClientHello(handshake.first(size), hello) ? HelloRead::kWhole : HelloRead::kNone;
      }
    }
    if (body.size() < length) return HelloRead::kIncomplete;
    records = records.subspan(kRecordHeader + length);
  }
}

bool ReadClientHello(Bytes handshake, ClientHello& hello) {
  Reader reader(handshake);
  if (reader.Number8() != kClientHelloType) return false;
  reader.Take(3);  // its size
  const std::uint16_t legacy_version = reader.Number16();
  reader.Take(32);  // random
  reader.List8();   // session
  for (Reader list = reader.List16(); !list.empty();) {
    const std::uint16_t cipher = list.Number16();
    if (!list.bad() && !IsGrease(cipher)) hello.ciphers.push_back(cipher);
  }
  reader.List8();  // compression
  if (reader.bad()) return false;
  for (Reader list = reader.List16(); !list.empty();) {
    const std::uint16_t type = list.Number16();
    const std::uint16_t size = list.Number16();
    const Bytes body = list.Take(size);
    if (list.bad()) break;
    if (IsGrease(type)) continue;
    hello.extensions.push_back(type);
    ReadExtension(type, body, hello);
  }
  if (hello.version == 0) hello.version = legacy_version;
  return true;
}

std::string Ja4(const ClientHello& hello, char carrier) {
  std::vector<std::uint16_t> ciphers = hello.ciphers;
  std::sort(ciphers.begin(), ciphers.end());
  std::vector<std::uint16_t> extensions;
  for (const std::uint16_t type : hello.extensions) {
    if (type != kServerName && type != kProtocols) extensions.push_back(type);
  }
  std::sort(extensions.begin(), extensions.end());
  std::string second = HexList(extensions);
  if (!second.empty() && !hello.signature_algorithms.empty()) {
    second += '_' + HexList(hello.signature_algorithms);
  }
  return fmt::format("{}{}{}{:02}{:02}{}_{}_{}", carrier, VersionCode(hello.version),
                     hello.has_server_name ? 'd' : 'i',
                     std::min(hello.ciphers.size(), kCountShownMax),
                     std::min(hello.extensions.size(), kCountShownMax),
                     ProtocolCode(hello.first_protocol), Digest(HexList(ciphers)), Digest(second));
}

}  // namespace spoor::packets

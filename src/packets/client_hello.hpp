// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "packets/bytes.hpp"

namespace spoor::packets {

/// What a TLS client hello says of who sent it, in the order it says it, without the values that
/// are there to be ignored (GREASE, RFC 8701).
struct ClientHello {
  std::uint16_t version = 0;  ///< highest that is offered
  bool has_server_name = false;
  std::string server_name;
  std::vector<std::uint16_t> ciphers, extensions, signature_algorithms;
  std::string first_protocol;  ///< first of ALPN; empty: none
};

enum class HelloRead : std::uint8_t { kNone, kIncomplete, kWhole };

/// Whether this is the first bytes of a TLS record with a client hello.
bool BeginsWithClientHello(Bytes bytes);

/// Reads the client hello from TLS records (RFC 8446, 5.1), over which it may be spread.
HelloRead ReadTlsHello(Bytes records, ClientHello& hello);

/// Reads a client hello from handshake bytes, from its type on. False: it is not one.
bool ReadClientHello(Bytes handshake, ClientHello& hello);

/// JA4 of the hello (github.com/FoxIO-LLC/ja4, technical_details/JA4.md). `carrier`: 't' over TCP,
/// 'q' over QUIC, 'd' over DTLS.
std::string Ja4(const ClientHello& hello, char carrier);

}  // namespace spoor::packets

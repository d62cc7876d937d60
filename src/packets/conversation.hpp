// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "packets/frame.hpp"

namespace spoor::packets {

/// Room for the beginnings of conversations, shared by all flows.
struct ConversationRoom {
  std::size_t left_bytes = 0;
  std::uint64_t not_followed_count = 0;
};

/// What the first bytes that the two ends exchange tell of what is spoken. Looks at the first
/// packets with payload only, and holds bytes only while a TLS client hello is not whole.
class Conversation {
 public:
  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Nothing more will be learnt.
  bool done() const { return done_; }
  /// Takes the next payload, that goes on where the last of the same end ended; empty: its bytes
  /// were not captured, or some before it are missing.
  void Take(bool from_source, Bytes payload, const Ends& ends, ConversationRoom& room);
  /// Gives back what it holds of `room`.
  void Drop(ConversationRoom& room);

  /// Of a small set of names (recognise.hpp); empty: not recognised.
  std::string_view application() const { return application_; }
  /// Of a TLS or QUIC client hello; empty: none.
  const std::string& server_name() const { return server_name_; }
  /// JA4 of it; empty: none.
  const std::string& client_fingerprint() const { return client_fingerprint_; }

 private:
  void TakeHello(Bytes payload, ConversationRoom& room);

  bool done_ = false;
  bool in_hello_ = false;  ///< of the source
  std::uint8_t packet_count_ = 0;
  std::string_view application_;
  std::string server_name_, client_fingerprint_;
  std::string held_;  ///< TLS records of the source so far
};

}  // namespace spoor::packets

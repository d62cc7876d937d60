// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <deque>
#include <mutex>

#include "packets/capture_reader.hpp"
#include "packets/frame.hpp"

namespace spoor::capture {

/// Connections that this program makes to ship what it captured, which would otherwise be captured
/// and shipped again. Thread-safe.
class OwnConnections {
 public:
  /// `socket` is about to connect: binds it to a port, so that its packets are known from the first
  /// one. Where that cannot be, they are not.
  void Note(int socket, const sockaddr& to);
  /// Whether the packet is of one of the last kNotedMax of them.
  bool Owns(const packets::CapturedPacket& packet);

 private:
  // Several collectors and interfaces, each of which may be connected to anew.
  static constexpr std::size_t kNotedMax = 64;
  struct Connection {
    packets::Address remote;
    std::uint16_t remote_port = 0, local_port = 0;
  };

  std::mutex mutex_;
  std::deque<Connection> connections_;
  packets::Frame frame_;
};

}  // namespace spoor::capture

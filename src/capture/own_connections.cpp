// SPDX-License-Identifier: Apache-2.0
// Ends are compared without our own address, which is not known before a route is chosen: who has
// the port of ours that leads to the collector's is us.
#include "capture/own_connections.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace spoor::capture {
namespace {

struct End {
  packets::Address address;
  std::uint16_t port = 0;
};

End EndOf(const sockaddr& address) {
  End end;
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    std::memcpy(end.address.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
    end.port = ntohs(v4.sin_port);
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    end.address.v6 = true;
    std::memcpy(end.address.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    end.port = ntohs(v6.sin6_port);
  }
  return end;
}

}  // namespace

void OwnConnections::Note(int socket, const sockaddr& to) {
  sockaddr_storage any{};
  any.ss_family = to.sa_family;
  socklen_t size = to.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&any), size) != 0) return;
  sockaddr_storage bound{};
  size = sizeof(bound);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return;
  const End remote = EndOf(to);
  const std::lock_guard lock(mutex_);
  if (connections_.size() == kNotedMax) connections_.pop_front();
  connections_.push_back({.remote = remote.address,
                          .remote_port = remote.port,
                          .local_port = EndOf(reinterpret_cast<const sockaddr&>(bound)).port});
}

bool OwnConnections::Owns(const packets::CapturedPacket& packet) {
  const std::lock_guard lock(mutex_);
  if (connections_.empty()) return false;
  packets::DecodeFrame(packet.link_type, packet.data, packet.wire_bytes, frame_);
  if (frame_.layer_count == 0 || frame_.layers[0].ends.protocol != IPPROTO_TCP) return false;
  const packets::Ends& ends = frame_.layers[0].ends;
  return std::ranges::any_of(connections_, [&](const Connection& own) {
    const bool sent = ends.destination == own.remote && ends.destination_port == own.remote_port &&
                      ends.source_port == own.local_port;
    const bool received = ends.source == own.remote && ends.source_port == own.remote_port &&
                          ends.destination_port == own.local_port;
    return sent || received;
  });
}

}  // namespace spoor::capture

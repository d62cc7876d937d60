// SPDX-License-Identifier: Apache-2.0
#include "capture/own_connections.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "base/file.hpp"
#include "packets/capture_for_tests.hpp"

namespace spoor::capture {
namespace {

using namespace packets::test;

bool Owns(OwnConnections& own, unsigned source, unsigned source_port, unsigned destination,
          unsigned destination_port) {
  const std::string frame =
      Ip4Frame({.source = source, .destination = destination},
               Tcp({.source_port = source_port, .destination_port = destination_port}));
  return own.Owns({.link_type = 1,
                   .wall_ns = 0,
                   .wire_bytes = static_cast<std::uint32_t>(frame.size()),
                   .offset = 0,
                   .data = {reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()}});
}

TEST(OwnConnections, AreKnownByTheirPortAndTheCollectorAndNoneElseIs) {
  OwnConnections own;
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in collector{};
  collector.sin_family = AF_INET;
  collector.sin_port = htons(8443);
  collector.sin_addr.s_addr = htonl(0x0a000002);  // 10.0.0.2
  EXPECT_FALSE(Owns(own, 1, 40000, 2, 8443));
  own.Note(socket.get(), reinterpret_cast<const sockaddr&>(collector));
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const unsigned port = ntohs(bound.sin_port);
  ASSERT_NE(port, 0U);
  EXPECT_TRUE(Owns(own, 1, port, 2, 8443));
  EXPECT_TRUE(Owns(own, 2, 8443, 1, port));
  EXPECT_FALSE(Owns(own, 1, port ^ 1, 2, 8443));
  EXPECT_FALSE(Owns(own, 1, port, 2, 8444));
  EXPECT_FALSE(Owns(own, 1, port, 3, 8443));
  EXPECT_FALSE(Owns(own, 2, port, 1, 8443));
}

}  // namespace
}  // namespace spoor::capture

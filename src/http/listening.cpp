// SPDX-License-Identifier: Apache-2.0
#include "http/listening.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace spoor::http {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

int PortOf(int socket) {
  sockaddr_storage bound{};
  socklen_t bound_bytes = sizeof(bound);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &bound_bytes) != 0) return -1;
  return bound.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port)
                                     : ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

}  // namespace

Result<Listening> ListenAt(const std::string& address, int port) {
  const auto fail = [&](std::string_view why) {
    return Fail(ErrorCode::kUnavailable, "{}:{}: cannot listen there: {}", address, port, why);
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(port);
  if (const int status = ::getaddrinfo(address.c_str(), service.c_str(), &hints, &list);
      status != 0) {
    return fail(::gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
  std::string why = "no such address";
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    Listening listening{
        FileDescriptor(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                one->ai_protocol)),
        0};
    const int on = 1;
    // Connections of a server before this one may still be ending there.
    ::setsockopt(listening.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    // A short queue would turn peers away while somebody else knocks.
    if (listening.socket.get() >= 0 &&
        ::bind(listening.socket.get(), one->ai_addr, one->ai_addrlen) == 0 &&
        ::listen(listening.socket.get(), SOMAXCONN) == 0) {
      listening.port = PortOf(listening.socket.get());
      return listening;
    }
    why = ErrnoText(errno);
  }
  return fail(why);
}

}  // namespace spoor::http

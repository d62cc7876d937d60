// SPDX-License-Identifier: Apache-2.0
#include "http/dialling.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace spoor::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWaitStep{200};

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

auto CannotConnect() {
  return Fail(ErrorCode::kUnavailable, "cannot connect");
}

/// Until when one attempt may wait.
struct Patience {
  Clock::time_point deadline;
  const std::atomic<bool>& cancelled;

  bool Wait(int fd, short events) const {
    while (!cancelled) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      pollfd watched{.fd = fd, .events = events, .revents = 0};
      const int ready = ::poll(&watched, 1, static_cast<int>(std::min(left, kWaitStep).count()));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
    return false;
  }
};

void SetUp(int socket, bool notices_dead_links) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (!notices_dead_links) return;
  // A link that is cut says nothing. What was sent and is not acknowledged by TCP for so long, or a
  // server that answers no probe while we wait for it, counts as gone; a slow one does not.
  const unsigned unacknowledged_ms = 10'000;
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
               sizeof(unacknowledged_ms));
  const int idle_seconds = 5, interval_seconds = 2, probes = 3;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof(interval_seconds));
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

Result<FileDescriptor> ConnectTo(const addrinfo& address, const DialOptions& options,
                                 const Patience& patience) {
  FileDescriptor socket(::socket(
      address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  if (socket.get() < 0) return CannotConnect();
  SetUp(socket.get(), options.notices_dead_links);
  if (options.before_connect != nullptr && *options.before_connect) {
    (*options.before_connect)(socket.get(), *address.ai_addr);
  }
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  int error = errno;
  socklen_t error_bytes = sizeof(error);
  if (error != EINPROGRESS || !patience.Wait(socket.get(), POLLOUT) ||
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &error_bytes) != 0 || error != 0) {
    return CannotConnect();
  }
  return socket;
}

/// The certificate must be for the address that was asked for.
bool Expect(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return true;
  ERR_clear_error();
  return X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string WhyNot(SSL* ssl) {
  switch (const long verified = SSL_get_verify_result(ssl)) {
    case X509_V_OK:
      return "no TLS handshake with it";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for another address";
    default:
      return X509_verify_cert_error_string(verified);
  }
}

Result<SslPointer> Shake(int socket, const DialOptions& options, const Patience& patience) {
  SslPointer ssl(SSL_new(options.context));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), socket) != 1 ||
      !Expect(ssl.get(), options.url->host)) {
    return Fail(ErrorCode::kUnavailable, "no TLS: {}", keys::OpenSslReason());
  }
  for (;;) {
    ERR_clear_error();
    const int done = SSL_connect(ssl.get());
    if (done == 1) return ssl;
    const int wanted = SSL_get_error(ssl.get(), done);
    const bool more = (wanted == SSL_ERROR_WANT_READ && patience.Wait(socket, POLLIN)) ||
                      (wanted == SSL_ERROR_WANT_WRITE && patience.Wait(socket, POLLOUT));
    if (!more) return Fail(ErrorCode::kUnavailable, "{}", WhyNot(ssl.get()));
  }
}

}  // namespace

Result<Dialled> Dial(const DialOptions& options, const std::atomic<bool>& cancelled) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(options.url->port);
  if (const int status = ::getaddrinfo(options.url->host.c_str(), service.c_str(), &hints, &list);
      status != 0) {
    return Fail(ErrorCode::kUnavailable, "cannot connect: {}", ::gai_strerror(status));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    Result<FileDescriptor> socket =
        ConnectTo(*one, options, {Clock::now() + options.connect, cancelled});
    if (!socket) continue;
    Dialled dialled{*std::move(socket), nullptr};
    if (options.context != nullptr) {
      ASSIGN_OR_RETURN(dialled.ssl, Shake(dialled.socket.get(), options,
                                          {Clock::now() + options.handshake, cancelled}));
    }
    return dialled;
  }
  return CannotConnect();
}

}  // namespace spoor::http

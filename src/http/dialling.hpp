// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "base/file.hpp"
#include "base/result.hpp"
#include "http/tls.hpp"
#include "http/url.hpp"

namespace spoor::http {

/// Called with a socket that is about to connect, and where to.
using BeforeConnect = std::function<void(int socket, const sockaddr& to)>;

/// A connection that was made, after its handshake. `ssl`: null for plain HTTP.
struct Dialled {
  FileDescriptor socket;  ///< does not block
  SslPointer ssl;         ///< goes before the socket
};
struct DialOptions {
  const Url* url = nullptr;
  SSL_CTX* context = nullptr;             ///< null: plain HTTP
  std::chrono::milliseconds connect{};    ///< at most, for each of its addresses
  std::chrono::milliseconds handshake{};  ///< at most, in which it must be over
  bool notices_dead_links = false;        ///< http::Client::Options
  const BeforeConnect* before_connect = nullptr;
};
/// Connects to the first of the host's addresses that lets it. `cancelled` ends all waiting.
/// Fails: kUnavailable (why, without naming the server).
Result<Dialled> Dial(const DialOptions& options, const std::atomic<bool>& cancelled);

}  // namespace spoor::http

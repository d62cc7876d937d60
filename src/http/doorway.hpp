// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "http/places.hpp"
#include "http/tls.hpp"

namespace spoor::http {

/// Takes connections from a listening socket and through TLS's handshake, where there is one, all
/// on one thread. A handshake has ten seconds as a whole; 256 are under way at a time, and who
/// opens many from one address loses their own (Places).
class Doorway {
 public:
  /// A connection whose handshake is over. A certificate that it showed was verified. `ssl` is null
  /// where there is no TLS.
  struct Guest {
    FileDescriptor socket;
    SslPointer ssl;
    std::string address;  ///< IPv4; of IPv6 the first 64 bits, as one host has all the others
  };
  /// `context`: null for plain connections. It and `listening` outlive the doorway. `pass` is
  /// called on its thread.
  Doorway(int listening, SSL_CTX* context, std::function<void(Guest)> pass);
  Doorway(const Doorway&) = delete;
  Doorway& operator=(const Doorway&) = delete;
  /// Stops.
  ~Doorway();

 private:
  using Clock = std::chrono::steady_clock;
  struct Arrival {
    Guest guest;
    std::unique_ptr<Places::Place> place;  // goes before the socket
    Clock::time_point deadline;
    short awaited = POLLIN;
  };
  enum class Step { kUnderWay, kOver, kFailed };
  void Run();
  void Accept();
  Step Shake(Arrival& arrival);

  const int listening_;
  SSL_CTX* const context_;
  const std::function<void(Guest)> pass_;
  std::atomic<bool> stopping_ = false;
  Places places_;
  std::list<Arrival> arrivals_;
  std::thread thread_;
};

}  // namespace spoor::http

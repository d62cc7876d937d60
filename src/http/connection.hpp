// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "http/tls.hpp"

namespace spoor::http {

/// One connection, plain or TLS, on which everything ends in time. Words are a server's: the wait
/// for a request, each part of a request, an answer; a client has them the other way round. Who
/// drips bytes gains nothing. Used by one thread at a time.
class Connection {
 public:
  struct Limits {
    std::chrono::milliseconds idle{5'000};      ///< until the first byte of a request
    std::chrono::milliseconds request{10'000};  ///< from there for its head; anew for its body
    std::chrono::milliseconds answer{120'000};  ///< to write it, or a piece of a streamed one
    /// Bytes of a request that come give it more time, as much as they take at this rate; 0: none.
    std::uint64_t bytes_per_second_min = 0;
  };
  /// `ssl`: whose handshake is over, on `socket`; null for plain HTTP. `stopping` ends all waiting.
  Connection(FileDescriptor socket, SslPointer ssl, const Limits& limits,
             const std::atomic<bool>& stopping);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  /// Waits for the first byte of a request. False: none came.
  bool BeginRequest();
  /// Whether the peer has ended the connection, or says something that it was not asked.
  bool IsStale() const;
  enum class Head { kWhole, kTooLong, kGone };
  /// Reads up to and including the first empty line. Of what comes behind it at most a buffer is
  /// held until it is asked for.
  Head ReadHead(std::string& head, std::size_t bytes_max);
  /// Appends `size_bytes` more. False: they did not come in time.
  bool ReadBody(std::string& body, std::size_t size_bytes);
  /// Reads a line with its line feed, like ReadBody.
  Head ReadLine(std::string& line, std::size_t bytes_max);
  /// Appends what comes until the peer ends the connection in order. False: it did not, or more
  /// came than `bytes_max`.
  bool ReadToEnd(std::string& body, std::size_t bytes_max);

  void BeginAnswer();
  /// Within the time that began with BeginAnswer. False: not all was taken.
  bool Write(std::string_view bytes);
  /// After an answer to a request that was not read whole, so that the answer arrives: says that
  /// nothing more comes, and for a moment reads what does.
  void SayGoodbye();

  int fd() const { return socket_.get(); }
  bool stopping() const { return stopping_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool Wait(short events) const;
  bool WaitAfter(int ssl_result) const;
  bool Fill();
  ssize_t Receive(char* bytes, std::size_t size_bytes);
  Head ReadUntil(std::string_view end, std::string& text, std::size_t bytes_max);

  const FileDescriptor socket_;
  const SslPointer ssl_;  // goes before the socket
  const Limits limits_;
  const std::atomic<bool>& stopping_;
  Clock::time_point deadline_;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;  ///< by the peer, in order
};

}  // namespace spoor::http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

namespace spoor::witness {

using SslPointer = std::unique_ptr<SSL, decltype(&SSL_free)>;

/// One client's connection as httplib reads and writes it, plain or TLS. httplib by itself waits
/// again after every byte that comes and takes any number of header lines; here each request has a
/// number of bytes and a time to be complete in, and each answer a time to be taken in.
class HttpStream final : public httplib::Stream {
 public:
  struct Limits {
    std::size_t request_bytes = 0;
    std::chrono::milliseconds idle{5'000};      ///< until the first byte of a request
    std::chrono::milliseconds request{10'000};  ///< from there to its end
    std::chrono::milliseconds answer{120'000};  ///< to write it
    /// Bytes of a request that come give it more time, as much as they take at this rate; 0: none.
    std::uint64_t bytes_per_second_min = 0;
  };
  /// `fd` stays the caller's. `context`: null for plain HTTP. `stopping` ends all waiting.
  HttpStream(int fd, SSL_CTX* context, const Limits& limits, const std::atomic<bool>& stopping);
  /// `ssl`: whose handshake is over, on `fd`.
  HttpStream(int fd, SslPointer ssl, const Limits& limits, const std::atomic<bool>& stopping);

  /// TLS's handshake, where there is one.
  bool Greet();
  /// Waits for the first byte of a request. False: none came.
  bool BeginRequest();
  /// The request's head was read and its body is wanted now: so many bytes more, and time anew.
  void AwaitBody(std::size_t size_bytes);
  /// Whether the request took all bytes it may have, so that its end is not known.
  bool spent() const { return budget_bytes_ == 0; }

  bool is_readable() const override;
  bool is_writable() const override { return true; }
  ssize_t read(char* bytes, std::size_t size_bytes) override;
  ssize_t write(const char* bytes, std::size_t size_bytes) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool Wait(short events) const;
  bool Fill();
  ssize_t Receive(char* bytes, std::size_t size_bytes);
  bool WaitAfter(int ssl_result) const;

  const int fd_;
  const Limits limits_;
  const std::atomic<bool>& stopping_;
  SslPointer ssl_{nullptr, &SSL_free};
  Clock::time_point deadline_;
  bool answering_ = false;
  std::size_t budget_bytes_ = 0;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace spoor::witness

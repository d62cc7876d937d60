// SPDX-License-Identifier: Apache-2.0
#include "witness/http_stream.hpp"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace spoor::witness {
namespace {

// How soon a server that ends is noticed.
constexpr std::chrono::milliseconds kWaitStep{200};

}  // namespace

HttpStream::HttpStream(int fd, SSL_CTX* context, const Limits& limits,
                       const std::atomic<bool>& stopping)
    : fd_(fd), limits_(limits), stopping_(stopping) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  if (context == nullptr) return;
  ssl_.reset(SSL_new(context));
  if (ssl_ != nullptr) SSL_set_fd(ssl_.get(), fd_);
}

HttpStream::HttpStream(int fd, SslPointer ssl, const Limits& limits,
                       const std::atomic<bool>& stopping)
    : HttpStream(fd, static_cast<SSL_CTX*>(nullptr), limits, stopping) {
  ssl_ = std::move(ssl);
}

bool HttpStream::Wait(short events) const {
  while (!stopping_) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return false;
    pollfd watched{.fd = fd_, .events = events, .revents = 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::min(left, kWaitStep).count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

bool HttpStream::WaitAfter(int ssl_result) const {
  switch (SSL_get_error(ssl_.get(), ssl_result)) {
    case SSL_ERROR_WANT_READ:
      return Wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return Wait(POLLOUT);
    default:
      return false;
  }
}

bool HttpStream::Greet() {
  if (ssl_ == nullptr) return true;
  deadline_ = Clock::now() + limits_.request;
  for (;;) {
    ERR_clear_error();
    const int done = SSL_accept(ssl_.get());
    if (done == 1) return true;
    if (!WaitAfter(done)) return false;
  }
}

bool HttpStream::BeginRequest() {
  deadline_ = Clock::now() + limits_.idle;
  answering_ = false;
  budget_bytes_ = limits_.request_bytes;
  if (begin_ == end_ && !Fill()) return false;
  deadline_ = Clock::now() + limits_.request;
  return true;
}

void HttpStream::AwaitBody(std::size_t size_bytes) {
  budget_bytes_ += size_bytes;
  deadline_ = Clock::now() + limits_.request;
}

ssize_t HttpStream::Receive(char* bytes, std::size_t size_bytes) {
  for (;;) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), bytes, static_cast<int>(size_bytes));
      if (got > 0) return got;
      if (!WaitAfter(got)) return -1;
      continue;
    }
    const ssize_t got = ::recv(fd_, bytes, size_bytes, MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !Wait(POLLIN)) return -1;
  }
}

bool HttpStream::Fill() {
  const ssize_t got = Receive(buffer_.data(), buffer_.size());
  begin_ = 0;
  end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (limits_.bytes_per_second_min != 0) {
    deadline_ += std::chrono::microseconds(1'000'000 * end_ / limits_.bytes_per_second_min);
  }
  return got > 0;
}

bool HttpStream::is_readable() const {
  return begin_ != end_ || Wait(POLLIN);
}

ssize_t HttpStream::read(char* bytes, std::size_t size_bytes) {
  if (budget_bytes_ == 0) return -1;
  if (begin_ == end_ && !Fill()) return -1;
  const std::size_t count = std::min({size_bytes, end_ - begin_, budget_bytes_});
  std::memcpy(bytes, buffer_.data() + begin_, count);
  begin_ += count;
  budget_bytes_ -= count;
  return static_cast<ssize_t>(count);
}

ssize_t HttpStream::write(const char* bytes, std::size_t size_bytes) {
  if (!answering_) deadline_ = Clock::now() + limits_.answer;
  answering_ = true;
  std::size_t done = 0;
  while (done < size_bytes) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const std::size_t piece = std::min<std::size_t>(size_bytes - done, 1 << 20);
      const int put = SSL_write(ssl_.get(), bytes + done, static_cast<int>(piece));
      if (put > 0) {
        done += static_cast<std::size_t>(put);
      } else if (!WaitAfter(put)) {
        return -1;
      }
      continue;
    }
    const ssize_t put = ::send(fd_, bytes + done, size_bytes - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      done += static_cast<std::size_t>(put);
    } else if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || !Wait(POLLOUT))) {
      return -1;
    }
  }
  return static_cast<ssize_t>(size_bytes);
}

// Nobody here is told apart by address.
void HttpStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void HttpStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace spoor::witness

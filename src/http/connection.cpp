// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace spoor::http {
namespace {

// How soon a server that ends is noticed.
constexpr std::chrono::milliseconds kWaitStep{200};
constexpr std::chrono::milliseconds kGoodbye{500};
constexpr std::size_t kGoodbyeBytesMax = 64 << 10;
constexpr std::size_t kWriteBytesMax = 1 << 20;

}  // namespace

Connection::Connection(FileDescriptor socket, SslPointer ssl, const Limits& limits,
                       const std::atomic<bool>& stopping)
    : socket_(std::move(socket)), ssl_(std::move(ssl)), limits_(limits), stopping_(stopping) {
  ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) | O_NONBLOCK);
}

bool Connection::Wait(short events) const {
  while (!stopping_) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) return false;
    pollfd watched{.fd = fd(), .events = events, .revents = 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::min(left, kWaitStep).count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

bool Connection::WaitAfter(int ssl_result) const {
  switch (SSL_get_error(ssl_.get(), ssl_result)) {
    case SSL_ERROR_WANT_READ:
      return Wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return Wait(POLLOUT);
    default:
      return false;
  }
}

ssize_t Connection::Receive(char* bytes, std::size_t size_bytes) {
  for (;;) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int got =
          SSL_read(ssl_.get(), bytes, static_cast<int>(std::min(size_bytes, kWriteBytesMax)));
      if (got > 0) return got;
      if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!WaitAfter(got)) return -1;
      continue;
    }
    const ssize_t got = ::recv(fd(), bytes, size_bytes, MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if ((errno != EAGAIN && errno != EWOULDBLOCK) || !Wait(POLLIN)) return -1;
  }
}

bool Connection::Fill() {
  // TLS reads may succeed for ever without waiting.
  if (stopping_ || Clock::now() >= deadline_) return false;
  const ssize_t got = Receive(buffer_.data(), buffer_.size());
  begin_ = 0;
  end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  ended_ = got == 0;
  if (limits_.bytes_per_second_min != 0) {
    deadline_ += std::chrono::microseconds(1'000'000 * end_ / limits_.bytes_per_second_min);
  }
  return got > 0;
}

bool Connection::BeginRequest() {
  deadline_ = Clock::now() + limits_.idle;
  if (begin_ == end_ && !Fill()) return false;
  deadline_ = Clock::now() + limits_.request;
  return true;
}

Connection::Head Connection::ReadHead(std::string& head, std::size_t bytes_max) {
  return ReadUntil("\r\n\r\n", head, bytes_max);
}

Connection::Head Connection::ReadLine(std::string& line, std::size_t bytes_max) {
  return ReadUntil("\n", line, bytes_max);
}

Connection::Head Connection::ReadUntil(std::string_view end, std::string& text,
                                       std::size_t bytes_max) {
  for (;;) {
    const std::size_t searched = text.size() < end.size() ? 0 : text.size() - end.size() + 1;
    text.append(buffer_.data() + begin_, end_ - begin_);
    begin_ = end_;
    const std::size_t found = text.find(end, searched);
    if (found != text.npos) {
      // What is behind it stays in the buffer, where it was.
      begin_ = end_ - (text.size() - found - end.size());
      text.resize(found + end.size());
    }
    if (text.size() > bytes_max) return Head::kTooLong;
    if (found != text.npos) return Head::kWhole;
    if (!Fill()) return Head::kGone;
  }
}

bool Connection::ReadBody(std::string& body, std::size_t size_bytes) {
  deadline_ = Clock::now() + limits_.request;
  body.reserve(body.size() + size_bytes);
  while (size_bytes != 0) {
    if (begin_ == end_ && !Fill()) return false;
    const std::size_t count = std::min(size_bytes, end_ - begin_);
    body.append(buffer_.data() + begin_, count);
    begin_ += count;
    size_bytes -= count;
  }
  return true;
}

bool Connection::ReadToEnd(std::string& body, std::size_t bytes_max) {
  deadline_ = Clock::now() + limits_.request;
  do {
    if (end_ - begin_ > bytes_max - std::min(bytes_max, body.size())) return false;
    body.append(buffer_.data() + begin_, end_ - begin_);
    begin_ = end_;
  } while (Fill());
  return ended_;
}

bool Connection::IsStale() const {
  pollfd watched{.fd = fd(), .events = POLLIN, .revents = 0};
  return begin_ != end_ || ::poll(&watched, 1, 0) != 0;
}

void Connection::BeginAnswer() {
  deadline_ = Clock::now() + limits_.answer;
}

bool Connection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      const int put = SSL_write(ssl_.get(), bytes.data(),
                                static_cast<int>(std::min(bytes.size(), kWriteBytesMax)));
      if (put > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(put));
      } else if (!WaitAfter(put)) {
        return false;
      }
      continue;
    }
    const ssize_t put = ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || !Wait(POLLOUT))) {
      return false;
    }
  }
  return true;
}

// Closing with bytes unread would reset the connection, and the answer with it.
void Connection::SayGoodbye() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_.get());
  ::shutdown(fd(), SHUT_WR);
  deadline_ = Clock::now() + kGoodbye;
  for (std::size_t total = 0; total < kGoodbyeBytesMax && Wait(POLLIN);) {
    const ssize_t got = ::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got <= 0) return;
    total += static_cast<std::size_t>(got);
  }
}

}  // namespace spoor::http

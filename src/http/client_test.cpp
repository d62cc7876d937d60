// SPDX-License-Identifier: Apache-2.0
#include "http/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "http/listening.hpp"

namespace spoor::http {
namespace {

using ::testing::HasSubstr;

/// Says the same to whoever connects, whatever they ask, and goes on for ever where `repeated` is
/// given.
class Speaker {
 public:
  explicit Speaker(std::string text, std::string repeated = {})
      : listening_(*ListenAt("127.0.0.1", 0)), thread_([this, text, repeated] {
          while (!ending_) {
            pollfd watched{.fd = listening_.socket.get(), .events = POLLIN, .revents = 0};
            if (::poll(&watched, 1, 50) != 1) continue;
            FileDescriptor socket(
                ::accept4(listening_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket.valid()) continue;
            std::array<char, 4096> asked{};
            static_cast<void>(::recv(socket.get(), asked.data(), asked.size(), 0));
            static_cast<void>(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL));
            while (!repeated.empty() && !ending_ &&
                   ::send(socket.get(), repeated.data(), repeated.size(), MSG_NOSIGNAL) > 0) {
            }
          }
        }) {}
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;
  ~Speaker() {
    ending_ = true;
    thread_.join();
  }
  Result<Client::Reply> Ask() const {
    const Result<Url> url = ParseUrl(fmt::format("http://127.0.0.1:{}", listening_.port));
    const auto client = Client::Open({.url = *url, .answer_bytes_max = 1000});
    return (*client)->Send({.path = "/"});
  }

 private:
  std::atomic<bool> ending_ = false;
  Listening listening_;
  std::thread thread_;
};

TEST(HttpClient, ReadsAnswersWithALengthInChunksAndToTheEnd) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello"}) {
    const auto reply = Speaker(answer).Ask();
    ASSERT_TRUE(reply) << answer << ": " << reply.error().message;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello") << answer;
  }
}

TEST(HttpClient, TakesNoAnswerThatHasNoEnd) {
  EXPECT_THAT(Speaker("HTTP/1.1 200 OK\r\n", "A: b\r\n").Ask().error().message, HasSubstr("head"));
  EXPECT_THAT(Speaker("HTTP/1.1 200 OK\r\nA: ", "bbbbbbbb").Ask().error().message,
              HasSubstr("head"));
  EXPECT_THAT(Speaker("HTTP/1.1 200 OK\r\n\r\n", "bbbbbbbb").Ask().error().message,
              HasSubstr("too long"));
  EXPECT_THAT(Speaker("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nb\r\n")
                  .Ask()
                  .error()
                  .message,
              HasSubstr("too long"));
  EXPECT_THAT(Speaker("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "b").Ask().error().message,
              HasSubstr("too long"));
  EXPECT_THAT(Speaker("", "HTTP/1.1 100 Continue\r\n\r\n").Ask().error().message,
              HasSubstr("does not answer"));
}

TEST(HttpClient, TakesNothingThatIsNotAWholeAnswer) {
  for (const char* answer :
       {"", "SSH-2.0\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n"}) {
    const auto reply = Speaker(answer).Ask();
    ASSERT_FALSE(reply) << answer;
    EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  }
}

TEST(HttpClient, SaysWhomItCannotConnectTo) {
  const Result<Url> url = ParseUrl("http://127.0.0.1:1");
  const auto client = Client::Open({.url = *url});
  ASSERT_TRUE(client);
  EXPECT_EQ((*client)->Send({.path = "/"}).error().message, "http://127.0.0.1:1: cannot connect");
}

}  // namespace
}  // namespace spoor::http

// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "http/client.hpp"

namespace spoor::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Only how long a test that fails takes.
constexpr std::chrono::seconds kPatience{60};

/// A plain TCP connection from an address of this host's.
class Peer {
 public:
  explicit Peer(int port, const char* source = "127.0.0.1")
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in own = Address(source, 0);
    sockaddr_in server = Address("127.0.0.1", port);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&server), sizeof(server)), 0);
  }
  Peer& Say(std::string_view text) {
    static_cast<void>(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL));
    return *this;
  }
  /// Until the server ends the connection.
  std::string ReadAll() {
    std::string all;
    while (Read(all)) {
    }
    return all;
  }
  std::string ReadUntil(std::string_view end) {
    std::string all;
    while (all.find(end) == all.npos && Read(all)) {
    }
    return all;
  }

 private:
  static sockaddr_in Address(const char* text, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, text, &address.sin_addr);
    return address;
  }
  bool Read(std::string& all) const {
    pollfd watched{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const auto at_most = std::chrono::milliseconds(kPatience).count();
    if (::poll(&watched, 1, static_cast<int>(at_most)) != 1) {
      ADD_FAILURE() << "the server says nothing, after: " << all;
      return false;
    }
    std::array<char, 65536> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    all.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }
  FileDescriptor socket_;
};

Answer Text(std::string text) {
  return {.content_type = "text/plain", .body = std::move(text)};
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(Server::Options options = {}) {
    options.address = "127.0.0.1";
    if (options.guests.threads == 0) {
      options.guests.threads = 16;
      options.guests.places = {.of_all = 16, .of_one = 16};
    }
    auto server = Server::Start(
        std::move(options),
        {{.method = "GET",
          .pattern = "/hello/{name}",
          .answer =
              [](const Request& request) {
                return Text(std::string(request.Parameter("name")) + "!");
              }},
         {.method = "POST",
          .pattern = "/echo",
          .answer = [](const Request& request) { return Text(request.body); },
          .body_bytes_max = 1 << 20},
         {.method = "GET",
          .pattern = "/large",
          .answer = [](const Request& /*request*/) { return Text(std::string(64 << 20, 'x')); }},
         {.method = "GET",
          .pattern = "/stream",
          .answer =
              [](const Request& /*request*/) {
                Answer answer{.content_type = "text/event-stream"};
                answer.stream = [](const Sink& sink) {
                  return sink("one") && sink("") && sink("two");
                };
                return answer;
              }},
         {.method = "GET", .pattern = "/sized", .answer = [](const Request& request) {
            Answer answer{.content_type = "text/plain"};
            answer.stream = [](const Sink& sink) { return sink("12345"); };
            answer.stream_bytes = request.QueryValue("lies").empty() ? 5 : 6;
            return answer;
          }}});
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  std::string Ask(const std::string& request, const char* source = "127.0.0.1") {
    return Peer(server_->port(), source).Say(request).ReadAll();
  }

  std::unique_ptr<Server> server_;
};

constexpr const char* kHello = "GET /hello/you HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, AnswersGetHeadAndPost) {
  Start();
  const std::string hello = Ask(kHello);
  EXPECT_THAT(hello, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(hello, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(hello, EndsWith("\r\n\r\nyou!"));
  EXPECT_THAT(Ask("HEAD /hello/you HTTP/1.1\r\nConnection: close\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde"),
              EndsWith("\r\n\r\nabcde"));
  EXPECT_THAT(Ask("GET /else HTTP/1.1\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("POST /hello/you HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"),
              StartsWith("HTTP/1.1 405 "));
}

TEST_F(HttpServerTest, AnswersRequestsThatComeTogetherOneByOne) {
  Start();
  const std::string post = "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\n";
  const std::string answers = Ask(post + "ab" + post + "cd" + kHello);
  EXPECT_LT(answers.find("\r\n\r\nab"), answers.find("\r\n\r\ncd"));
  EXPECT_THAT(answers, EndsWith("you!"));
}

TEST_F(HttpServerTest, RefusesARequestThatHasBothLengthsAndReadsNothingBehindIt) {
  Start();
  const std::string answers = Ask(
      "POST /echo HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
      std::string(kHello));
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answers, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answers, Not(HasSubstr("you!")));
}

TEST_F(HttpServerTest, RefusesBodiesThatAreTooLargeOrOfUnknownLengthAndSaysWhy) {
  Start();
  EXPECT_THAT(
      Ask("POST /echo HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n" + std::string(100'000, 'x')),
      StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 411 "));
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
              StartsWith("HTTP/1.1 411 "));
}

TEST_F(HttpServerTest, RefusesAnEndlessHeadAndAnyRange) {
  Start();
  EXPECT_THAT(Ask("GET /hello/you HTTP/1.1\r\nA: " + std::string(100'000, 'a')),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask("GET /large HTTP/1.1\r\nRange: bytes=0-,0-,0-,0-\r\n\r\n"),
              StartsWith("HTTP/1.1 416 "));
}

TEST_F(HttpServerTest, GivesLeaveToSendABodyOnlyWhereItIsWanted) {
  Start();
  Peer peer(server_->port());
  peer.Say("POST /echo HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(peer.Say("ab").ReadUntil("ab"), EndsWith("\r\n\r\nab"));
  EXPECT_THAT(Ask("POST /no HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 404 "));
}

TEST_F(HttpServerTest, StreamsPiecesAsTheyCome) {
  Start();
  EXPECT_THAT(Ask("GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n"),
              EndsWith("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
  EXPECT_THAT(Ask("GET /sized HTTP/1.1\r\nConnection: close\r\n\r\n"), EndsWith("\r\n\r\n12345"));
  // Shorter than it said: cut off, so that nobody takes it for whole.
  EXPECT_THAT(Ask("GET /sized?lies=1 HTTP/1.1\r\n\r\n" + std::string(kHello)),
              Not(HasSubstr("you!")));
}

// The clock plays no part: what is half sent gives its place up at once.
TEST_F(HttpServerTest, AnswersOthersWhileOneAddressHoldsAllPlacesWithHalfSentRequests) {
  Start();
  std::vector<std::unique_ptr<Peer>> half_sent;
  for (int i = 0; i < 16; ++i) {
    half_sent.push_back(std::make_unique<Peer>(server_->port(), "127.0.0.2"));
    half_sent.back()->Say("POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\n");
  }
  EXPECT_THAT(Ask(kHello), EndsWith("you!"));
  // Also from their own address: the oldest goes.
  EXPECT_THAT(Ask(kHello, "127.0.0.2"), EndsWith("you!"));
  EXPECT_EQ(half_sent[0]->ReadAll(), "");
}

TEST_F(HttpServerTest, AnswersOthersWhileOneAddressReadsNoAnswer) {
  Start({.guests = {.places = {.of_all = 16, .of_one = 16},
                    .threads = 16,
                    .answers = {.of_all = 2, .of_one = 2}}});
  std::vector<std::unique_ptr<Peer>> readers;
  for (int i = 0; i < 2; ++i) {
    readers.push_back(std::make_unique<Peer>(server_->port(), "127.0.0.2"));
    EXPECT_THAT(readers.back()->Say("GET /large HTTP/1.1\r\n\r\n").ReadUntil("xxx"),
                HasSubstr("200 OK"));
  }
  EXPECT_THAT(Ask(kHello), EndsWith("you!"));
}

TEST_F(HttpServerTest, EndsARequestThatDripsThoughBytesKeepComing) {
  using std::chrono::milliseconds;
  Start({.guests = {.places = {.of_all = 4, .of_one = 4},
                    .threads = 4,
                    .limits = {.idle = milliseconds(60'000), .request = milliseconds(300)}}});
  Peer peer(server_->port());
  peer.Say("POST /echo HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
  std::atomic<bool> ended = false;
  std::thread dripping([&] {
    while (!ended) {
      peer.Say("x");
      std::this_thread::sleep_for(milliseconds(20));  // what dripping is
    }
  });
  EXPECT_EQ(peer.ReadAll(), "");
  ended = true;
  dripping.join();
}

TEST_F(HttpServerTest, AsksWhomItAdmitsBeforeItReadsABody) {
  Start({.admit = [](const Request& request) -> std::optional<Answer> {
    if (request.FindHeader("x-word") == "sesame") return std::nullopt;
    return PlainRefusal(401, "not you");
  }});
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 401 "), EndsWith("not you\n")));
  EXPECT_THAT(Ask("GET /hello/a HTTP/1.1\r\nX-Word: sesame\r\nConnection: close\r\n\r\n"),
              EndsWith("a!"));
}

TEST_F(HttpServerTest, EndsWhileConnectionsAreOpen) {
  Start();
  Peer idle(server_->port());
  Peer half(server_->port());
  half.Say("GET /hel");
  EXPECT_THAT(Ask(kHello), EndsWith("you!"));
  server_->Stop();
  EXPECT_EQ(half.ReadAll(), "");
}

TEST_F(HttpServerTest, SaysThatAnAddressIsTaken) {
  Start();
  const auto second = Server::Start({.address = "127.0.0.1", .port = server_->port()}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST_F(HttpServerTest, IsUnderstoodByTheClient) {
  Start();
  const auto url = ParseUrl(fmt::format("http://127.0.0.1:{}", server_->port()));
  ASSERT_TRUE(url);
  const auto client = Client::Open({.url = *url});
  ASSERT_TRUE(client);
  const std::string body(1 << 20, 'b');
  for (int i = 0; i < 3; ++i) {
    const auto hello = (*client)->Send({.path = "/hello/you"});
    ASSERT_TRUE(hello) << hello.error().message;
    EXPECT_EQ(hello->body, "you!");
    EXPECT_EQ(hello->content_type, "text/plain");
    const auto stream = (*client)->Send({.path = "/stream"});
    ASSERT_TRUE(stream) << stream.error().message;
    EXPECT_EQ(stream->body, "onetwo");
    const auto echo = (*client)->Send({.method = "POST",
                                       .path = "/echo",
                                       .content_type = "text/plain",
                                       .body = AsBytes(std::string_view(body).substr(0, 60'000))});
    ASSERT_TRUE(echo) << echo.error().message;
    EXPECT_EQ(echo->body.size(), 60'000U);
    // More than it takes as an answer.
    EXPECT_FALSE((*client)->Send({.method = "POST", .path = "/echo", .body = AsBytes(body)}));
    EXPECT_FALSE((*client)->Send({.path = "/sized?lies=1"})) << "shorter than it said";
  }
}

}  // namespace
}  // namespace spoor::http

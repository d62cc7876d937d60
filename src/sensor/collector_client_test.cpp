// SPDX-License-Identifier: Apache-2.0
#include "sensor/collector_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "http/server.hpp"

namespace spoor::sensor {
namespace {

using ::testing::HasSubstr;

/// A TLS server under a certificate of the test's own authority that gives the same answer to all.
class AnsweringServer {
 public:
  explicit AnsweringServer(const keys::IdentityLayout& identity) {
    const auto answer = [this](const http::Request& request) {
      path = request.path;
      for (const auto& [name, value] : request.query) path += "?" + name + "=" + value;
      body = request.body;
      http::Answer said{.status = status, .content_type = "application/json", .body = text};
      if (!retry_after.empty()) said.headers.push_back({"Retry-After", retry_after});
      return said;
    };
    http::Server::Options options{.address = "127.0.0.1",
                                  .guests = {.places = {.of_all = 4, .of_one = 4}, .threads = 4}};
    auto context = http::OpenPublicContext(identity.certificate(), identity.private_key());
    SPOOR_CHECK(context) << context.error().message;
    options.context = *std::move(context);
    auto server = http::Server::Start(
        std::move(options),
        {{.method = "GET", .pattern = "/{path...}", .answer = answer},
         {.method = "POST", .pattern = "/{path...}", .answer = answer, .body_bytes_max = 4 << 20}});
    SPOOR_CHECK(server) << server.error().message;
    server_ = *std::move(server);
  }
  std::string UrlOn(const std::string& host) const {
    return fmt::format("https://{}:{}/", host, server_->port());
  }
  std::string url() const { return UrlOn("127.0.0.1"); }

  int status = 200;
  std::string text, retry_after;  // what it answers
  std::string path, body;         // what it was asked

 private:
  std::unique_ptr<http::Server> server_;
};

class CollectorClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(keys::Authority::Create(folder_ / "ca"));
    Issue("ca",
          {.role = keys::Role::kSensor, .name = "web-1", .addresses = {}, .lifetime_days = 9});
    Issue("ca", {.role = keys::Role::kCollector,
                 .name = "hub",
                 .addresses = {"127.0.0.1"},
                 .lifetime_days = 9});
  }

  void Issue(const std::string& authority, const keys::CertificateTerms& terms) const {
    const auto opened = keys::Authority::Open(folder_ / authority);
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_TRUE(opened->Issue(terms, folder_ / authority / terms.name));
  }
  keys::IdentityLayout Layout(const std::string& name) const { return {folder_ / name}; }
  std::unique_ptr<CollectorClient> Connect(const std::string& url) const {
    auto client = CollectorClient::Open(url, Layout("ca/web-1"));
    EXPECT_TRUE(client) << client.error().message;
    return std::move(*client);
  }

  const ScratchFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path();
};

TEST_F(CollectorClientTest, TakesHttpsWithHostAndPortOnly) {
  for (const char* url :
       {"http://hub:1", "https://hub", "https://:8443", "https://hub:", "hub:8443", "https://hub:0",
        "https://hub:65536", "https://hub:8443/path", ""}) {
    const auto client = CollectorClient::Open(url, Layout("ca/web-1"));
    ASSERT_FALSE(client) << url;
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_TRUE(CollectorClient::Open("https://[::1]:8443/", Layout("ca/web-1")));
}

TEST_F(CollectorClientTest, NeedsASensorsKeys) {
  const auto client = CollectorClient::Open("https://hub:1", Layout("ca/hub"));
  ASSERT_FALSE(client);
  EXPECT_THAT(client.error().message, HasSubstr("not for a sensor"));
  EXPECT_EQ(CollectorClient::Open("https://hub:1", Layout("nobody")).error().code,
            ErrorCode::kNotFound);
}

TEST_F(CollectorClientTest, SendsFramesWholeAndSaysHow) {
  AnsweringServer server(Layout("ca/hub"));
  server.text = R"({"next_sequence":7})";
  const auto client = Connect(server.url());
  const std::vector<std::byte> frames(3'000'000, std::byte{0x5a});
  const auto answer = client->Post({.sequence = 5, .pipelined = true}, frames);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(server.path, "/v1/sensors/web-1/batches/5?pipelined=1");
  EXPECT_EQ(server.body, AsText(frames));
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->next_sequence, 7U);
  ASSERT_TRUE(client->Post({.sequence = 9, .after_gap = true}, frames));
  EXPECT_EQ(server.path, "/v1/sensors/web-1/batches/9?after_gap=1");
  ASSERT_TRUE(client->Position({1}));
  EXPECT_THAT(server.path, HasSubstr("/v1/sensors/web-1/position?chain=01000000"));
}

TEST_F(CollectorClientTest, HandsOnRefusalsWithTheirReasonAndTime) {
  AnsweringServer server(Layout("ca/hub"));
  server.status = 503;
  server.text = R"({"error":"disk full"})";
  server.retry_after = "3";
  const auto answer = Connect(server.url())->Post({}, {});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->error, "disk full");
  EXPECT_EQ(answer->retry_after_seconds, 3);
  EXPECT_FALSE(answer->next_sequence);
}

TEST_F(CollectorClientTest, BelievesNoNumberInAnAnswerThatIsNotOurs) {
  AnsweringServer server(Layout("ca/hub"));
  const auto client = Connect(server.url());
  for (const char* text : {"", "<html>", "[7]", R"({"next_sequence":-1})",
                           R"({"next_sequence":"7"})", R"({"next_sequence":7)", R"({"error":7})"}) {
    server.text = text;
    const auto answer = client->Post({}, {});
    ASSERT_TRUE(answer) << text;
    EXPECT_FALSE(answer->next_sequence) << text;
    EXPECT_EQ(answer->error, "") << text;
  }
}

TEST_F(CollectorClientTest, TalksToNobodyWhomTheCertificateDoesNotName) {
  ASSERT_TRUE(keys::Authority::Create(folder_ / "other"));
  Issue("other", {.role = keys::Role::kCollector,
                  .name = "hub",
                  .addresses = {"127.0.0.1"},
                  .lifetime_days = 9});
  AnsweringServer stranger(Layout("other/hub"));
  // Whom the host's system trusts is of no interest here.
  ASSERT_EQ(::setenv("SSL_CERT_FILE", (folder_ / "other/ca.crt").c_str(), 1), 0);
  const auto refused = Connect(stranger.url())->Post({}, std::vector<std::byte>(10));
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(stranger.body, "") << "nothing was sent";
  // Ours, but issued for another address than we asked for.
  AnsweringServer ours(Layout("ca/hub"));
  EXPECT_FALSE(Connect(ours.UrlOn("localhost"))->Post({}, {}));
}

TEST_F(CollectorClientTest, SaysThatNobodyAnswers) {
  std::optional<AnsweringServer> server(std::in_place, Layout("ca/hub"));
  const auto client = Connect(server->url());
  ASSERT_TRUE(client->Post({}, {}));
  server.reset();
  const auto away = client->Post({}, {});
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(away.error().message, HasSubstr("https://127.0.0.1"));
}

}  // namespace
}  // namespace spoor::sensor

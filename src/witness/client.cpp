// SPDX-License-Identifier: Apache-2.0
#include "witness/client.hpp"

#include "base/file.hpp"

namespace spoor::witness {
namespace {

constexpr std::size_t kReplyBytesMax = 64 << 10;

class HttpWitnessClient final : public WitnessClient {
 public:
  HttpWitnessClient(const WitnessAddress& address, std::unique_ptr<http::Client> client)
      : address_(address), client_(std::move(client)) {}

  Result<Reply> AddCheckpoint(const AddCheckpointRequest& request) override {
    const std::string body = FormatAddCheckpoint(request);
    return client_->Send({.method = "POST",
                          .path = address_.prefix + "/add-checkpoint",
                          .content_type = "text/plain; charset=utf-8",
                          .body = AsBytes(body)});
  }

  Result<std::optional<std::string>> LatestCheckpoint(const std::string& origin) override {
    const std::string path = address_.prefix + CosignedCheckpointPath(origin);
    ASSIGN_OR_RETURN(Reply reply, client_->Send({.method = "GET", .path = path}));
    if (reply.status == 200) return std::move(reply.body);
    if (reply.status == 404) return std::nullopt;
    return Fail(ErrorCode::kUnavailable, "{}{}: answers {}", address_.url, path, reply.status);
  }

  void Cancel() override { client_->Cancel(); }

 private:
  const WitnessAddress address_;
  const std::unique_ptr<http::Client> client_;
};

}  // namespace

Result<WitnessAddress> WitnessAddress::Parse(const std::string& text) {
  const auto bad = [&text](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument, "witness {}: must be URL=VKEYFILE, {}", text, why);
  };
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals + 1 == text.size()) return bad("with the witness's key file");
  const std::string url = text.substr(0, equals);
  const Result<http::Url> parsed = http::ParseUrl(url);
  if (!parsed) return bad("and of the URL: " + parsed.error().message);
  // As it was written: it is shown.
  const std::size_t host = url.find("://") + 3;
  WitnessAddress address{
      .url = url.substr(0, url.find('/', host)), .prefix = parsed->path, .key = {}};
  ASSIGN_OR_RETURN(address.key, evidence::VerifierKey::Load(text.substr(equals + 1),
                                                            evidence::KeyUse::kCosignature));
  return address;
}

Result<std::unique_ptr<WitnessClient>> WitnessClient::Open(const WitnessAddress& address) {
  ASSIGN_OR_RETURN(const http::Url url, http::ParseUrl(address.url));
  ASSIGN_OR_RETURN(std::unique_ptr<http::Client> client,
                   http::Client::Open({.url = url, .answer_bytes_max = kReplyBytesMax}));
  return std::make_unique<HttpWitnessClient>(address, std::move(client));
}

}  // namespace spoor::witness

// SPDX-License-Identifier: Apache-2.0
#include <httplib.h>

#include "witness/client.hpp"

namespace spoor::witness {
namespace {

constexpr time_t kConnectSeconds = 5;
constexpr time_t kTransferSeconds = 10;
constexpr std::size_t kReplyBytesMax = 64 << 10;

class HttpWitnessClient final : public WitnessClient {
 public:
  explicit HttpWitnessClient(const WitnessAddress& address)
      : address_(address), client_(address.url) {
    client_.set_connection_timeout(kConnectSeconds);
    client_.set_read_timeout(kTransferSeconds);
    client_.set_write_timeout(kTransferSeconds);
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
  }

  Result<Reply> AddCheckpoint(const AddCheckpointRequest& request) override {
    httplib::Request post;
    post.method = "POST";
    post.path = address_.prefix + "/add-checkpoint";
    post.set_header("Content-Type", "text/plain; charset=utf-8");
    post.body = FormatAddCheckpoint(request);
    return Send(post);
  }

  Result<std::optional<std::string>> LatestCheckpoint(const std::string& origin) override {
    httplib::Request get;
    get.method = "GET";
    get.path = address_.prefix + CosignedCheckpointPath(origin);
    ASSIGN_OR_RETURN(Reply reply, Send(get));
    if (reply.status == 200) return std::move(reply.body);
    if (reply.status == 404) return std::nullopt;
    return Fail(ErrorCode::kUnavailable, "{}{}: answers {}", address_.url, get.path, reply.status);
  }

  void Cancel() override { client_.stop(); }

 private:
  Result<Reply> Send(httplib::Request& request) {
    std::string body;
    request.content_receiver = [&body](const char* data, std::size_t size_bytes,
                                       std::uint64_t /*offset*/, std::uint64_t /*total*/) {
      if (body.size() + size_bytes > kReplyBytesMax) return false;
      body.append(data, size_bytes);
      return true;
    };
    try {
      const httplib::Result answer = client_.send(request);
      if (!answer) {
        return Fail(ErrorCode::kUnavailable, "{}: {}", address_.url,
                    httplib::to_string(answer.error()));
      }
      return Reply{answer->status, answer->get_header_value("Content-Type"), std::move(body)};
    } catch (const std::exception& exception) {
      return Fail(ErrorCode::kUnavailable, "{}: {}", address_.url, exception.what());
    }
  }

  const WitnessAddress address_;
  httplib::Client client_;
};

}  // namespace

Result<WitnessAddress> WitnessAddress::Parse(const std::string& text) {
  const auto bad = [&text](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument, "witness {}: must be URL=VKEYFILE, {}", text, why);
  };
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals + 1 == text.size()) return bad("with the witness's key file");
  const std::string url = text.substr(0, equals);
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return bad("the URL http:// or https://");
  const std::size_t slash = std::min(url.find('/', scheme), url.size());
  if (slash == scheme) return bad("the URL with a host");
  WitnessAddress address{.url = url.substr(0, slash), .prefix = url.substr(slash), .key = {}};
  while (address.prefix.ends_with('/')) address.prefix.pop_back();
  ASSIGN_OR_RETURN(address.key, evidence::VerifierKey::Load(text.substr(equals + 1),
                                                            evidence::KeyUse::kCosignature));
  return address;
}

Result<std::unique_ptr<WitnessClient>> WitnessClient::Open(const WitnessAddress& address) {
  try {
    auto client = std::make_unique<HttpWitnessClient>(address);
    return client;
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kUnavailable, "{}: {}", address.url, exception.what());
  }
}

}  // namespace spoor::witness

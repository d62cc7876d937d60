// SPDX-License-Identifier: Apache-2.0
#include "sensor/collector_client.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "http/client.hpp"

namespace spoor::sensor {
namespace {

constexpr std::chrono::seconds kConnect{5};
// A slow link may take long for one parcel, but something must move.
constexpr std::chrono::seconds kTransfer{60};
constexpr std::size_t kAnswerBytesMax = 64 << 10;
// Many hosts that enrol at once are told to come again; a second each.
constexpr int kEnrolRetriesMax = 30;

Result<http::Url> ParseCollectorUrl(const std::string& text) {
  Result<http::Url> url = http::ParseUrl(text);
  if (url && url->tls && url->port_said && url->path.empty()) return url;
  return Fail(ErrorCode::kInvalidArgument, "{}: must be https://HOST:PORT", text);
}

http::Client::Options ClientOptions(const http::Url& url) {
  return {.url = url,
          .connect = kConnect,
          .transfer = kTransfer,
          .answer_bytes_max = kAnswerBytesMax,
          .notices_dead_links = true,
          .only_tls13 = true};
}

CollectorAnswer AnswerOf(const http::Client::Reply& reply) {
  CollectorAnswer answer{.status = reply.status,
                         .next_sequence = {},
                         .retry_after_seconds = reply.retry_after_seconds,
                         .error = {}};
  const nlohmann::json body = nlohmann::json::parse(reply.body, nullptr, false);
  if (body.is_object()) {
    if (body.contains("next_sequence") && body["next_sequence"].is_number_unsigned()) {
      answer.next_sequence = body["next_sequence"].get<std::uint64_t>();
    }
    if (body.contains("error") && body["error"].is_string()) {
      answer.error = body["error"].get<std::string>();
    }
  }
  return answer;
}

class HttpsCollectorClient final : public CollectorClient {
 public:
  HttpsCollectorClient(std::string name, keys::KeyPointer key, keys::CertificatePointer certificate)
      : name_(std::move(name)), key_(std::move(key)), certificate_(std::move(certificate)) {}

  Result<> SetUp(const http::Url& url, X509* root, http::BeforeConnect before_connect) {
    http::Client::Options options = ClientOptions(url);
    options.before_connect = std::move(before_connect);
    // A collector's certificate is the authority's, or it is no collector.
    options.trust = http::Trust::kRoot;
    options.root = root;
    options.certificate = certificate_.get();
    options.private_key = key_.get();
    ASSIGN_OR_RETURN(client_, http::Client::Open(options));
    return {};
  }

  Result<CollectorAnswer> Post(const PostOptions& options,
                               std::span<const std::byte> frames) override {
    ASSIGN_OR_RETURN(
        const http::Client::Reply reply,
        client_->Send({.method = "POST",
                       .path = fmt::format("/v1/sensors/{}/batches/{}{}", name_, options.sequence,
                                           options.after_gap   ? "?after_gap=1"
                                           : options.pipelined ? "?pipelined=1"
                                                               : ""),
                       .content_type = "application/octet-stream",
                       .body = frames}));
    return AnswerOf(reply);
  }

  Result<CollectorAnswer> Position(const wire::ChainId& chain_id) override {
    ASSIGN_OR_RETURN(const http::Client::Reply reply,
                     client_->Send({.path = fmt::format("/v1/sensors/{}/position?chain={}", name_,
                                                        wire::FormatChainId(chain_id))}));
    return AnswerOf(reply);
  }

 private:
  const std::string name_;
  const keys::KeyPointer key_;
  const keys::CertificatePointer certificate_;
  std::unique_ptr<http::Client> client_;
};

// The root certificate that the collector shows, if it is the one that the token names.
Result<keys::CertificatePointer> FetchRoot(const http::Url& where, const std::string& url,
                                           const keys::Token& token) {
  // Nothing secret goes over this connection, and what comes is believed by its digest only.
  http::Client::Options options = ClientOptions(where);
  options.trust = http::Trust::kAnybody;
  ASSIGN_OR_RETURN(const auto client, http::Client::Open(options));
  ASSIGN_OR_RETURN(const http::Client::Reply answer, client->Send({.path = "/v1/ca"}));
  if (answer.status != 200) {
    return Fail(ErrorCode::kUnavailable, "{}: answers {}; is it spoor serve", url, answer.status);
  }
  ASSIGN_OR_RETURN(keys::CertificatePointer root, keys::ParseCertificate(answer.body, url));
  if (keys::FingerprintOf(root.get()) != token.root_fingerprint) {
    return Fail(ErrorCode::kUnverified, "{}: not the authority that the token is from", url);
  }
  return root;
}

Result<keys::Enrolment> RequestEnrolment(const http::Url& where, const std::string& url, X509* root,
                                         const nlohmann::json& request) {
  http::Client::Options options = ClientOptions(where);
  options.trust = http::Trust::kRoot;
  options.root = root;
  ASSIGN_OR_RETURN(const auto client, http::Client::Open(options));
  const std::string text = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  http::Client::Reply answer;
  for (int i = 0; i <= kEnrolRetriesMax; ++i) {
    if (i != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
    ASSIGN_OR_RETURN(answer, client->Send({.method = "POST",
                                           .path = "/v1/enrol",
                                           .content_type = "application/json",
                                           .body = AsBytes(text)}));
    if (answer.status != 429) break;
  }
  if (answer.status != 200) {
    return Fail(ErrorCode::kUnverified, "{}: refuses ({}): {}", url, answer.status,
                AnswerOf(answer).error);
  }
  const nlohmann::json body = nlohmann::json::parse(answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("certificate") || !body["certificate"].is_string() ||
      !body.contains("escrow_public") || !body["escrow_public"].is_string()) {
    return Fail(ErrorCode::kUnverified, "{}: its answer to the enrolment is none", url);
  }
  return keys::Enrolment{body["certificate"].get<std::string>(),
                         body["escrow_public"].get<std::string>()};
}

Result<> EnrolOnce(const std::string& url, const keys::Token& token,
                   const keys::IdentityLayout& layout) {
  ASSIGN_OR_RETURN(const http::Url where, ParseCollectorUrl(url));
  ASSIGN_OR_RETURN(const keys::CertificatePointer root, FetchRoot(where, url, token));
  ASSIGN_OR_RETURN(const keys::KeyPointer key, keys::MakeSigningKey());
  ASSIGN_OR_RETURN(const std::string request, keys::FormatRequest(key.get()));
  ASSIGN_OR_RETURN(
      const keys::Enrolment enrolment,
      RequestEnrolment(where, url, root.get(),
                       {{"name", token.name}, {"secret", token.secret}, {"request", request}}));
  ASSIGN_OR_RETURN(const keys::CertificatePointer certificate,
                   keys::ParseCertificate(enrolment.certificate, url));
  if (X509_check_private_key(certificate.get(), key.get()) != 1 ||
      X509_verify(certificate.get(), X509_get0_pubkey(root.get())) != 1) {
    return Fail(ErrorCode::kUnverified, "{}: its certificate is not for our key", url);
  }
  ASSIGN_OR_RETURN(const std::string root_pem, keys::FormatCertificate(root.get()));
  RETURN_IF_ERROR(CreateFolders(layout.folder));
  RETURN_IF_ERROR(WriteFileAtomically(layout.root(), AsBytes(root_pem)));
  RETURN_IF_ERROR(WriteFileAtomically(layout.escrow_public(), AsBytes(enrolment.escrow_public)));
  RETURN_IF_ERROR(keys::WritePrivateKey(layout.private_key(), key.get()));
  return WriteFileAtomically(layout.certificate(), AsBytes(enrolment.certificate));
}

}  // namespace

Result<std::unique_ptr<CollectorClient>> CollectorClient::Open(const std::string& url,
                                                               const keys::IdentityLayout& identity,
                                                               http::BeforeConnect before_connect) {
  ASSIGN_OR_RETURN(const http::Url where, ParseCollectorUrl(url));
  ASSIGN_OR_RETURN(keys::KeyPointer key, keys::LoadPrivateKey(identity.private_key()));
  ASSIGN_OR_RETURN(keys::CertificatePointer certificate,
                   keys::LoadCertificate(identity.certificate()));
  ASSIGN_OR_RETURN(const keys::CertificatePointer root, keys::LoadCertificate(identity.root()));
  ASSIGN_OR_RETURN(const keys::Identity self, keys::IdentityOf(certificate.get()));
  if (self.role != keys::Role::kSensor) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is a certificate for a {}, not for a sensor",
                identity.certificate().string(), keys::RoleName(self.role));
  }
  auto client =
      std::make_unique<HttpsCollectorClient>(self.name, std::move(key), std::move(certificate));
  RETURN_IF_ERROR(client->SetUp(where, root.get(), std::move(before_connect)));
  return client;
}

Result<> Enrol(const std::string& url, const keys::Token& token,
               const std::filesystem::path& folder) {
  const keys::IdentityLayout layout{folder};
  ASSIGN_OR_RETURN(const bool is_enrolled, Exists(layout.certificate()));
  if (is_enrolled) {
    return Fail(ErrorCode::kInvalidArgument, "{}: this host is enrolled already; another folder?",
                layout.certificate().string());
  }
  return EnrolOnce(url, token, layout);
}

}  // namespace spoor::sensor

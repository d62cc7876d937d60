// SPDX-License-Identifier: Apache-2.0
#include <httplib.h>
#include <netinet/tcp.h>

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.hpp"
#include "sensor/collector_client.hpp"

namespace spoor::sensor {
namespace {

constexpr time_t kConnectSeconds = 5;
// A slow link may take long for one parcel, but something must move.
constexpr time_t kTransferSeconds = 60;
// A multiple of what fits into a TLS record.
constexpr std::size_t kWriteBytes = 256 << 10;
constexpr int kEnrolBytesMax = 1 << 16;
// Many hosts that enrol at once are told to come again; a second each.
constexpr int kEnrolRetriesMax = 30;

struct Address {
  std::string host;
  int port = 0;
};

Result<Address> ParseUrl(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const auto bad = [&url] {
    return Fail(ErrorCode::kInvalidArgument, "{}: must be https://HOST:PORT", url);
  };
  if (!url.starts_with(kScheme)) return bad();
  std::string_view rest = std::string_view(url).substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon == rest.npos || colon == 0) return bad();
  Address address{std::string(rest.substr(0, colon)), 0};
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (status != std::errc{} || end != port.data() + port.size() || address.port < 1 ||
      address.port > 65535) {
    return bad();
  }
  return address;
}

// A link that is cut says nothing. What was sent and is not acknowledged by TCP for so long, or a
// collector that answers no probe while we wait for it, counts as gone; a slow one does not.
void NoticeDeadLinks(int socket) {
  const unsigned unacknowledged_ms = 10'000;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
  const int on = 1, idle_seconds = 5, interval_seconds = 2, probes = 3;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof(interval_seconds));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

void SetUp(httplib::SSLClient& client, X509* root) {
  SSL_CTX_set_min_proto_version(client.ssl_context(), TLS1_3_VERSION);
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kTransferSeconds);
  client.set_write_timeout(kTransferSeconds);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  client.set_socket_options(NoticeDeadLinks);
  client.enable_server_certificate_verification(root != nullptr);
  if (root == nullptr) return;
  // The library adds whom the system trusts to the client's own store. This one goes before it: a
  // collector's certificate is the authority's, or it is no collector.
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root);
  SSL_CTX_set1_verify_cert_store(client.ssl_context(), store);
  X509_STORE_free(store);
}

std::string ReasonOf(const httplib::SSLClient& client, httplib::Error error) {
  if (error == httplib::Error::SSLServerVerification) {
    const long verified = client.get_openssl_verify_result();
    return verified == X509_V_OK ? "its certificate is for another address"
                                 : X509_verify_cert_error_string(verified);
  }
  return error == httplib::Error::Connection ? "cannot connect" : httplib::to_string(error);
}

CollectorAnswer AnswerOf(const httplib::Response& response) {
  CollectorAnswer answer{
      .status = response.status, .next_sequence = {}, .retry_after_seconds = 0, .error = {}};
  const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
  if (body.is_object()) {
    if (body.contains("next_sequence") && body["next_sequence"].is_number_unsigned()) {
      answer.next_sequence = body["next_sequence"].get<std::uint64_t>();
    }
    if (body.contains("error") && body["error"].is_string()) {
      answer.error = body["error"].get<std::string>();
    }
  }
  const std::string after = response.get_header_value("Retry-After");
  std::from_chars(after.data(), after.data() + after.size(), answer.retry_after_seconds);
  return answer;
}

class HttpsCollectorClient final : public CollectorClient {
 public:
  HttpsCollectorClient(std::string url, std::string name, keys::KeyPointer key,
                       keys::CertificatePointer certificate, const Address& address, X509* root,
                       const std::filesystem::path& root_file)
      : url_(std::move(url)),
        name_(std::move(name)),
        key_(std::move(key)),
        certificate_(std::move(certificate)),
        client_(address.host, address.port, certificate_.get(), key_.get()) {
    SetUp(client_, root);
    // In place of the system's, which takes as long to read as all the rest of the first handshake.
    client_.set_ca_cert_path(root_file);
  }

  Result<CollectorAnswer> Post(const PostOptions& options,
                               std::span<const std::byte> frames) override {
    const std::string path = fmt::format("/v1/sensors/{}/batches/{}{}", name_, options.sequence,
                                         options.after_gap   ? "?after_gap=1"
                                         : options.pipelined ? "?pipelined=1"
                                                             : "");
    // A provider, where a plain body would be copied first.
    const auto provide = [frames](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
      const std::span<const std::byte> part = frames.subspan(offset, std::min(length, kWriteBytes));
      return sink.write(reinterpret_cast<const char*>(part.data()), part.size());
    };
    return Answer(
        [&] { return client_.Post(path, frames.size(), provide, "application/octet-stream"); });
  }

  Result<CollectorAnswer> Position(const wire::ChainId& chain_id) override {
    const std::string path =
        fmt::format("/v1/sensors/{}/position?chain={}", name_, wire::FormatChainId(chain_id));
    return Answer([&] { return client_.Get(path); });
  }

 private:
  template <typename Request>
  Result<CollectorAnswer> Answer(const Request& request) {
    try {
      const httplib::Result result = request();
      if (result) return AnswerOf(*result);
      return Fail(ErrorCode::kUnavailable, "{}: {}", url_, ReasonOf(client_, result.error()));
    } catch (const std::exception& exception) {
      return Fail(ErrorCode::kUnavailable, "{}: {}", url_, exception.what());
    }
  }

  const std::string url_;
  const std::string name_;
  keys::KeyPointer key_;
  keys::CertificatePointer certificate_;
  httplib::SSLClient client_;
};

// The root certificate that the collector shows, if it is the one that the token names.
Result<keys::CertificatePointer> FetchRoot(const Address& address, const std::string& url,
                                           const keys::Token& token) {
  // Nothing secret goes over this connection, and what comes is believed by its digest only.
  httplib::SSLClient client(address.host, address.port);
  SetUp(client, nullptr);
  const httplib::Result answer = client.Get("/v1/ca");
  if (!answer) {
    return Fail(ErrorCode::kUnavailable, "{}: {}", url, ReasonOf(client, answer.error()));
  }
  if (answer->status != 200 || answer->body.size() > kEnrolBytesMax) {
    return Fail(ErrorCode::kUnavailable, "{}: answers {}; is it spoor serve", url, answer->status);
  }
  ASSIGN_OR_RETURN(keys::CertificatePointer root, keys::ParseCertificate(answer->body, url));
  if (keys::FingerprintOf(root.get()) != token.root_fingerprint) {
    return Fail(ErrorCode::kUnverified, "{}: not the authority that the token is from", url);
  }
  return root;
}

Result<keys::Enrolment> RequestEnrolment(const Address& address, const std::string& url, X509* root,
                                         const nlohmann::json& request) {
  httplib::SSLClient client(address.host, address.port);
  SetUp(client, root);
  httplib::Result answer = client.Post("/v1/enrol", request.dump(), "application/json");
  for (int i = 0; answer && answer->status == 429 && i < kEnrolRetriesMax; ++i) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    answer = client.Post("/v1/enrol", request.dump(), "application/json");
  }
  if (!answer) {
    return Fail(ErrorCode::kUnavailable, "{}: {}", url, ReasonOf(client, answer.error()));
  }
  if (answer->status != 200) {
    return Fail(ErrorCode::kUnverified, "{}: refuses ({}): {}", url, answer->status,
                AnswerOf(*answer).error);
  }
  const nlohmann::json body = nlohmann::json::parse(answer->body, nullptr, false);
  if (!body.is_object() || !body.contains("certificate") || !body["certificate"].is_string() ||
      !body.contains("escrow_public") || !body["escrow_public"].is_string()) {
    return Fail(ErrorCode::kUnverified, "{}: its answer to the enrolment is none", url);
  }
  return keys::Enrolment{body["certificate"].get<std::string>(),
                         body["escrow_public"].get<std::string>()};
}

Result<> EnrolOnce(const std::string& url, const keys::Token& token,
                   const keys::IdentityLayout& layout) {
  ASSIGN_OR_RETURN(const Address address, ParseUrl(url));
  ASSIGN_OR_RETURN(const keys::CertificatePointer root, FetchRoot(address, url, token));
  ASSIGN_OR_RETURN(const keys::KeyPointer key, keys::MakeSigningKey());
  ASSIGN_OR_RETURN(const std::string request, keys::FormatRequest(key.get()));
  ASSIGN_OR_RETURN(
      const keys::Enrolment enrolment,
      RequestEnrolment(address, url, root.get(),
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

Result<std::unique_ptr<CollectorClient>> CollectorClient::Open(
    const std::string& url, const keys::IdentityLayout& identity) {
  ASSIGN_OR_RETURN(const Address address, ParseUrl(url));
  ASSIGN_OR_RETURN(keys::KeyPointer key, keys::LoadPrivateKey(identity.private_key()));
  ASSIGN_OR_RETURN(keys::CertificatePointer certificate,
                   keys::LoadCertificate(identity.certificate()));
  ASSIGN_OR_RETURN(const keys::CertificatePointer root, keys::LoadCertificate(identity.root()));
  ASSIGN_OR_RETURN(const keys::Identity self, keys::IdentityOf(certificate.get()));
  if (self.role != keys::Role::kSensor) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is a certificate for a {}, not for a sensor",
                identity.certificate().string(), keys::RoleName(self.role));
  }
  try {
    return std::make_unique<HttpsCollectorClient>(url, self.name, std::move(key),
                                                  std::move(certificate), address, root.get(),
                                                  identity.root());
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kUnavailable, "{}: {}", url, exception.what());
  }
}

Result<> Enrol(const std::string& url, const keys::Token& token,
               const std::filesystem::path& folder) {
  const keys::IdentityLayout layout{folder};
  if (std::filesystem::exists(layout.certificate())) {
    return Fail(ErrorCode::kInvalidArgument, "{}: this host is enrolled already; another folder?",
                layout.certificate().string());
  }
  try {
    return EnrolOnce(url, token, layout);
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kUnavailable, "{}: {}", url, exception.what());
  }
}

}  // namespace spoor::sensor

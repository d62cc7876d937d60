// SPDX-License-Identifier: Apache-2.0
#include <httplib.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/time.hpp"
#include "collector/gate.hpp"
#include "collector/server.hpp"

namespace spoor::collector {
namespace {

using httplib::Request;
using httplib::Response;
using Handled = httplib::Server::HandlerResponse;

constexpr std::size_t kBodyBytesMax = 4 << 20;
// Of all bodies on their way, until they are answered: most of the memory that a collector needs.
constexpr std::uint64_t kReceivedBytesMax = 128 << 20;
constexpr std::uint64_t kReceivedOfOneSensorBytesMax = 16 << 20;
constexpr std::size_t kEnrolBytesMax = 16 << 10;
// A kept-alive connection holds a thread.
constexpr std::size_t kConnectionsMax = 256;
constexpr time_t kIdleSeconds = 3;
constexpr time_t kTransferSeconds = 60;
// Enough for a fleet that is set up by hand or script, too slow for guessing.
constexpr std::int64_t kEnrolIntervalNs = 100'000'000;
constexpr std::int64_t kSensorLifetimeDays = 397;

void Answer(Response& response, int status, const nlohmann::json& body) {
  response.status = status;
  response.set_content(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                       "application/json");
}

void Answer(Response& response, const Reply& reply) {
  nlohmann::json body = nlohmann::json::object();
  if (reply.next_sequence) body["next_sequence"] = *reply.next_sequence;
  if (!reply.error.empty()) body["error"] = reply.error;
  if (reply.retry_after_seconds != 0) {
    response.set_header("Retry-After", std::to_string(reply.retry_after_seconds));
  }
  Answer(response, reply.status, body);
}

std::string TextOf(const nlohmann::json& body, const char* key) {
  return body.is_object() && body.contains(key) && body[key].is_string()
             ? body[key].get<std::string>()
             : std::string{};
}

std::uint64_t ContentLengthOf(const Request& request) {
  const std::string text = request.get_header_value("Content-Length");
  std::uint64_t length = ~std::uint64_t{0};
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

/// The peer's certificate as TLS verified it; null when it showed none.
keys::CertificatePointer PeerOf(const Request& request) {
  if (request.ssl == nullptr || SSL_get_verify_result(request.ssl) != X509_V_OK) return nullptr;
  return keys::CertificatePointer(SSL_get1_peer_certificate(request.ssl));
}

/// What bodies that are being received may hold in memory, of one sensor and of all. Who finds no
/// room waits, and TCP holds back the sensor.
class RoomForBodies {
 public:
  bool Take(const std::string& sensor, std::uint64_t size_bytes) {
    std::unique_lock lock(mutex_);
    const bool fits = changed_.wait_for(lock, std::chrono::seconds(kTransferSeconds), [&] {
      return taken_bytes_ + size_bytes <= kReceivedBytesMax &&
             taken_of_[sensor] + size_bytes <= kReceivedOfOneSensorBytesMax;
    });
    if (!fits) return false;
    taken_bytes_ += size_bytes;
    taken_of_[sensor] += size_bytes;
    return true;
  }
  void GiveBack(const std::string& sensor, std::uint64_t size_bytes) {
    {
      const std::lock_guard lock(mutex_);
      taken_bytes_ -= size_bytes;
      taken_of_[sensor] -= size_bytes;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t taken_bytes_ = 0;
  std::map<std::string, std::uint64_t> taken_of_;
};

class Room {
 public:
  Room(RoomForBodies& room, std::string sensor, std::uint64_t size_bytes)
      : room_(room),
        sensor_(std::move(sensor)),
        size_bytes_(size_bytes),
        taken_(room.Take(sensor_, size_bytes)) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {
    if (taken_) room_.GiveBack(sensor_, size_bytes_);
  }
  bool taken() const { return taken_; }

 private:
  RoomForBodies& room_;
  const std::string sensor_;
  const std::uint64_t size_bytes_;
  const bool taken_;
};

class HttpsServer final : public Server {
 public:
  HttpsServer(const Options& options, Intake& intake, std::unique_ptr<Gate> gate)
      : options_(options), intake_(intake), gate_(std::move(gate)) {}
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;
  ~HttpsServer() override { StopThread(); }

  Result<> Listen();
  int port() const override { return port_; }
  void Stop() override { StopThread(); }

 private:
  Result<> SetUpTls();
  void AddRoutes();
  Handled Admit(const Request& request, Response& response);
  void Enrol(const Request& request, Response& response);
  void Take(const Request& request, Response& response, const httplib::ContentReader& read);
  void StopThread() {
    if (server_ != nullptr) server_->stop();
    if (thread_.joinable()) thread_.join();
  }

  const Options options_;
  Intake& intake_;
  std::unique_ptr<Gate> gate_;
  std::optional<keys::Authority> authority_;
  std::mutex enrol_mutex_;
  std::int64_t next_enrol_wall_ns_ = 0;
  RoomForBodies room_;
  std::unique_ptr<httplib::SSLServer> server_;
  std::thread thread_;
  int port_ = 0;
};

Result<> HttpsServer::SetUpTls() {
  ASSIGN_OR_RETURN(const keys::KeyPointer key,
                   keys::LoadPrivateKey(options_.identity.private_key()));
  ASSIGN_OR_RETURN(const keys::CertificatePointer certificate,
                   keys::LoadCertificate(options_.identity.certificate()));
  ASSIGN_OR_RETURN(const keys::Identity self, keys::IdentityOf(certificate.get()));
  if (self.role != keys::Role::kCollector) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is a certificate for a {}, not for a collector",
                options_.identity.certificate().string(), keys::RoleName(self.role));
  }
  X509* root = gate_->root();
  bool good = false;
  server_ = std::make_unique<httplib::SSLServer>([&](SSL_CTX& context) {
    // No resumption: each connection shows its certificate.
    SSL_CTX_set_num_tickets(&context, 0);
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
    // Enrolment and the root certificate are asked for without a certificate; all else is not
    // answered without one (Admit).
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
    good = SSL_CTX_set_min_proto_version(&context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_use_certificate(&context, certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(&context, key.get()) == 1 &&
           SSL_CTX_check_private_key(&context) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), root) == 1 &&
           SSL_CTX_add_client_CA(&context, root) == 1;
    return good;
  });
  if (!good) {
    return Fail(ErrorCode::kCorrupt, "{}: its key and certificate do not serve TLS: {}",
                options_.identity.folder.string(), keys::OpenSslReason());
  }
  return {};
}

Handled HttpsServer::Admit(const Request& request, Response& response) {
  const std::uint64_t length = request.method == "POST" ? ContentLengthOf(request) : 0;
  if (request.path == "/v1/ca") return Handled::Unhandled;
  if (request.path == "/v1/enrol") {
    if (length <= kEnrolBytesMax) return Handled::Unhandled;
    Answer(response, 413, {{"error", "too large, or of unknown length"}});
    return Handled::Handled;
  }
  const keys::CertificatePointer certificate = PeerOf(request);
  const Result<keys::Identity> peer = gate_->Admit(certificate.get());
  if (!peer) {
    Answer(response, 401, {{"error", peer.error().message}});
    return Handled::Handled;
  }
  const std::string own = fmt::format("/v1/sensors/{}/", peer->name);
  const bool allowed = request.path == "/v1/status"
                           ? peer->role == keys::Role::kAnalyst
                           : peer->role == keys::Role::kSensor && request.path.starts_with(own);
  if (!allowed) {
    Answer(response, 403,
           {{"error", fmt::format("not for the {} {}", keys::RoleName(peer->role), peer->name)}});
    return Handled::Handled;
  }
  if (length > kBodyBytesMax) {
    Answer(response, 413, {{"error", "too large, or of unknown length"}});
    return Handled::Handled;
  }
  return Handled::Unhandled;
}

void HttpsServer::Enrol(const Request& request, Response& response) {
  if (!authority_) {
    Answer(response, 403, {{"error", "this collector does not enrol"}});
    return;
  }
  {
    const std::lock_guard lock(enrol_mutex_);
    const std::int64_t now_wall_ns = WallNow();
    if (now_wall_ns < next_enrol_wall_ns_ && now_wall_ns > next_enrol_wall_ns_ - kEnrolIntervalNs) {
      Answer(response, {429, std::nullopt, "too many enrolments at once", 1});
      return;
    }
    next_enrol_wall_ns_ = now_wall_ns + kEnrolIntervalNs;
  }
  const nlohmann::json body = nlohmann::json::parse(request.body, nullptr, false);
  const Result<keys::Enrolment> enrolment = authority_->Enrol(
      TextOf(body, "name"), TextOf(body, "secret"), TextOf(body, "request"), kSensorLifetimeDays);
  if (!enrolment) {
    const bool ours = enrolment.error().code == ErrorCode::kUnverified ||
                      enrolment.error().code == ErrorCode::kInvalidArgument;
    // What is wrong with our own disk is not the stranger's business.
    Answer(response, ours ? 403 : 503,
           {{"error", ours ? enrolment.error().message : "the authority cannot sign now"}});
    return;
  }
  Answer(response, 200,
         {{"certificate", enrolment->certificate}, {"escrow_public", enrolment->escrow_public}});
}

void HttpsServer::Take(const Request& request, Response& response,
                       const httplib::ContentReader& read) {
  const std::uint64_t length = ContentLengthOf(request);  // bounded by Admit
  const Room room(room_, request.matches[1].str(), length);
  if (!room.taken()) {
    Answer(response, {503, std::nullopt, "too much is being received", 1});
    return;
  }
  std::string frames;
  frames.reserve(length);
  const bool complete = read([&frames, length](const char* data, std::size_t size) {
    if (frames.size() + size > length) return false;
    frames.append(data, size);
    return true;
  });
  if (!complete || frames.size() != length) return;  // the connection is cut, or will be
  const std::string digits = request.matches[2].str();
  Intake::SubmitOptions options;
  std::from_chars(digits.data(), digits.data() + digits.size(), options.sequence);
  options.after_gap = request.get_param_value("after_gap") == "1";
  options.pipelined = request.get_param_value("pipelined") == "1";
  Answer(response, intake_.Submit(request.matches[1].str(), options, std::move(frames)));
}

void HttpsServer::AddRoutes() {
  server_->set_pre_routing_handler(
      [this](const Request& request, Response& response) { return Admit(request, response); });
  server_->Get("/v1/ca", [this](const Request& /*request*/, Response& response) {
    const Result<std::string> pem = keys::FormatCertificate(gate_->root());
    if (pem) response.set_content(*pem, "application/x-pem-file");
    if (!pem) Answer(response, 503, {{"error", pem.error().message}});
  });
  server_->Post("/v1/enrol",
                [this](const Request& request, Response& response) { Enrol(request, response); });
  server_->Post(R"(/v1/sensors/([a-z0-9.-]+)/batches/(\d{1,19}))",
                [this](const Request& request, Response& response,
                       const httplib::ContentReader& read) { Take(request, response, read); });
  server_->Get(
      R"(/v1/sensors/([a-z0-9.-]+)/position)", [this](const Request& request, Response& response) {
        const Result<wire::ChainId> chain_id = wire::ParseChainId(request.get_param_value("chain"));
        if (!chain_id) {
          Answer(response, 400, {{"error", chain_id.error().message}});
          return;
        }
        Answer(response, intake_.PositionOf(request.matches[1].str(), *chain_id));
      });
  server_->Get("/v1/status", [this](const Request& /*request*/, Response& response) {
    const Intake::Counts counts = intake_.counts();
    nlohmann::json witnesses = nlohmann::json::array();
    for (const auto& status : options_.cosigner == nullptr
                                  ? std::vector<witness::Cosigner::Status>()
                                  : options_.cosigner->status()) {
      witnesses.push_back({{"name", status.name},
                           {"url", status.url},
                           {"cosigned_size", status.cosigned_size},
                           {"cosigned_wall_ns", status.cosigned_wall_ns},
                           {"cosigned_count", status.cosigned_count},
                           {"failure_count", status.failure_count},
                           {"refusal_count", status.refusal_count},
                           {"failure", status.failure}});
    }
    Answer(response, 200,
           {{"witnesses", witnesses},
            {"frames_taken", counts.frames_taken},
            {"frames_duplicate", counts.frames_duplicate},
            {"frames_refused", counts.frames_refused},
            {"checkpoints", counts.checkpoints},
            {"log_size", counts.log_size},
            {"chains", counts.chains}});
  });
}

Result<> HttpsServer::Listen() {
  if (options_.authority) {
    ASSIGN_OR_RETURN(keys::Authority authority, keys::Authority::Open(*options_.authority));
    authority_.emplace(std::move(authority));
  }
  RETURN_IF_ERROR(SetUpTls());
  server_->new_task_queue = [] { return new httplib::ThreadPool(kConnectionsMax); };
  server_->set_payload_max_length(kBodyBytesMax);
  server_->set_keep_alive_max_count(1 << 30);
  server_->set_keep_alive_timeout(kIdleSeconds);
  server_->set_read_timeout(kTransferSeconds);
  server_->set_write_timeout(kTransferSeconds);
  server_->set_tcp_nodelay(true);
  AddRoutes();
  port_ = options_.port == 0 ? server_->bind_to_any_port(options_.address)
          : server_->bind_to_port(options_.address, options_.port) ? options_.port
                                                                   : -1;
  if (port_ < 0) {
    return Fail(ErrorCode::kUnavailable, "{}:{}: cannot listen there: {}", options_.address,
                options_.port, ErrnoText(errno));
  }
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const Options& options, Intake& intake) {
  ASSIGN_OR_RETURN(std::unique_ptr<Gate> gate, Gate::Open(options.identity));
  try {
    auto server = std::make_unique<HttpsServer>(options, intake, std::move(gate));
    RETURN_IF_ERROR(server->Listen());
    return server;
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kUnavailable, "{}:{}: {}", options.address, options.port,
                exception.what());
  }
}

}  // namespace spoor::collector

// SPDX-License-Identifier: Apache-2.0
// Three kinds of connections, each with places of its own, so that nobody keeps those out who have
// shown more of themselves: handshakes (Doorway), guests without a certificate, who may enrol, and
// members, whose certificate is good. httplib parses requests and answers them; it neither accepts
// nor waits (witness::HttpStream).
#include <httplib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <charconv>
#include <csignal>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/time.hpp"
#include "collector/doorway.hpp"
#include "collector/gate.hpp"
#include "collector/places.hpp"
#include "collector/room_for_bodies.hpp"
#include "collector/server.hpp"
#include "witness/http_stream.hpp"

namespace spoor::collector {
namespace {

using httplib::Request;
using httplib::Response;
using Handled = httplib::Server::HandlerResponse;

constexpr std::size_t kBodyBytesMax = 4 << 20;
constexpr std::size_t kEnrolBytesMax = 16 << 10;
constexpr std::size_t kHeadBytesMax = 16 << 10;
// A sensor uses one connection, and after a cut link leaves one behind.
constexpr Places::Limits kMemberPlaces{.of_all = 1024, .of_one = 8};
// Served at once, on a thread each; others wait for one that has its answer.
constexpr std::size_t kMemberThreads = 256;
// A slow link may take its time: 4 MiB in at most 68 minutes. Who sends less than a KiB a second
// holds a connection for as long as a sensor waits for a dead link, twice.
constexpr witness::HttpStream::Limits kMemberLimits{
    .request_bytes = kHeadBytesMax,
    .request = std::chrono::seconds(20),
    .answer = std::chrono::seconds(60),
    .bytes_per_second_min = 1 << 10,
};
// Enrolment is two short requests.
constexpr Places::Limits kGuestPlaces{.of_all = 16, .of_one = 16};
constexpr witness::HttpStream::Limits kGuestLimits{
    .request_bytes = kHeadBytesMax,
    .request = std::chrono::seconds(10),
    .answer = std::chrono::seconds(10),
};
// All places, those of connections that are about to end, and the log's files.
constexpr rlim_t kDescriptorsMin = 4096;
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

/// A connection that is served, from when its handshake is over.
struct Connection {
  Connection(Doorway::Guest guest, const witness::HttpStream::Limits& limits,
             const std::atomic<bool>& stopping)
      : socket(std::move(guest.socket)),
        ssl(guest.ssl.get()),
        stream(socket.get(), witness::SslPointer(guest.ssl.release(), &SSL_free), limits,
               stopping) {
    SSL_set_app_data(ssl, this);
  }
  /// Whose request it is.
  static Connection& Of(const Request& request) {
    return *static_cast<Connection*>(SSL_get_app_data(request.ssl));
  }

  const FileDescriptor socket;
  SSL* const ssl;  ///< the stream's
  witness::HttpStream stream;
  bool keep = true;  ///< after the request that is answered
  std::unique_ptr<Places::Place> place;
};

/// httplib's server without its socket and threads: it reads one request and answers it.
class Answerer final : public httplib::Server {
 public:
  /// False: the connection is of no more use.
  bool AnswerOne(Connection& connection, bool is_last) {
    bool closed = false;
    const bool good = process_request(connection.stream, is_last, closed,
                                      [&](Request& request) { request.ssl = connection.ssl; });
    return good && !closed && !connection.stream.spent();
  }
  /// Bound by bind_to_port or bind_to_any_port.
  int listening() const { return svr_sock_; }
};

using ContextPointer = std::unique_ptr<SSL_CTX, keys::Free<SSL_CTX_free>>;

class HttpsServer final : public Server {
 public:
  HttpsServer(const Options& options, Intake& intake, std::unique_ptr<Gate> gate)
      : options_(options), intake_(intake), gate_(std::move(gate)) {}
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;
  ~HttpsServer() override { StopThreads(); }

  Result<> Listen();
  int port() const override { return port_; }
  void Stop() override { StopThreads(); }

 private:
  Result<> SetUpTls();
  void AddRoutes();
  void Welcome(Doorway::Guest guest);
  void Serve(Connection& connection);
  Handled Admit(const Request& request, Response& response);
  void Enrol(const Request& request, Response& response);
  void Take(const Request& request, Response& response, const httplib::ContentReader& read);
  void StopThreads();

  const Options options_;
  Intake& intake_;
  std::unique_ptr<Gate> gate_;
  std::optional<keys::Authority> authority_;
  std::mutex enrol_mutex_;
  std::int64_t next_enrol_wall_ns_ = 0;
  RoomForBodies room_;
  ContextPointer context_;
  Answerer answerer_;
  FileDescriptor listening_;
  std::atomic<bool> stopping_ = false;
  Places member_places_{kMemberPlaces};
  Places guest_places_{kGuestPlaces};
  std::atomic<std::size_t> member_count_ = 0;  ///< served, or waiting for a thread
  std::unique_ptr<httplib::ThreadPool> member_threads_;
  std::unique_ptr<httplib::ThreadPool> guest_threads_;
  std::unique_ptr<Doorway> doorway_;
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
  context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = context_.get();
  bool good = context != nullptr;
  if (good) {
    // No resumption: each connection shows its certificate.
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // Enrolment and the root certificate are asked for without a certificate; all else is not
    // answered without one (Admit).
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    good = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_use_certificate(context, certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
           SSL_CTX_check_private_key(context) == 1 &&
           X509_STORE_add_cert(SSL_CTX_get_cert_store(context), gate_->root()) == 1 &&
           SSL_CTX_add_client_CA(context, gate_->root()) == 1;
  }
  if (!good) {
    return Fail(ErrorCode::kCorrupt, "{}: its key and certificate do not serve TLS: {}",
                options_.identity.folder.string(), keys::OpenSslReason());
  }
  return {};
}

// On the doorway's thread.
void HttpsServer::Welcome(Doorway::Guest guest) {
  const keys::CertificatePointer certificate(SSL_get1_peer_certificate(guest.ssl.get()));
  const Result<keys::Identity> peer = gate_->Admit(certificate.get());
  const std::string whose =
      peer ? fmt::format("{} {}", keys::RoleName(peer->role), peer->name) : guest.address;
  // Shared, as httplib's pool copies what it is to run.
  const auto connection = std::make_shared<Connection>(
      std::move(guest), peer ? kMemberLimits : kGuestLimits, stopping_);
  connection->place = (peer ? member_places_ : guest_places_).Take(whose, connection->socket.get());
  if (connection->place == nullptr) return;
  if (!peer) {
    guest_threads_->enqueue([this, connection] { Serve(*connection); });
    return;
  }
  ++member_count_;
  member_threads_->enqueue([this, connection] {
    Serve(*connection);
    --member_count_;
  });
}

void HttpsServer::Serve(Connection& connection) {
  while (connection.keep && !connection.place->cut_off() && connection.stream.BeginRequest()) {
    // Where more members are here than there are threads, each gets one answer at a time.
    connection.keep = member_count_ <= kMemberThreads;
    if (!answerer_.AnswerOne(connection, !connection.keep)) break;
  }
}

Handled HttpsServer::Admit(const Request& request, Response& response) {
  const std::uint64_t length = request.method == "POST" ? ContentLengthOf(request) : 0;
  if (request.path == "/v1/ca") return Handled::Unhandled;
  Connection& connection = Connection::Of(request);
  if (request.path == "/v1/enrol" && length <= kEnrolBytesMax) {
    connection.stream.AwaitBody(length);
    return Handled::Unhandled;
  }
  // Who is refused left a body unread, or has no business here.
  const bool keep = std::exchange(connection.keep, false);
  if (request.path == "/v1/enrol") {
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
  connection.keep = keep;
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
  Connection& connection = Connection::Of(request);
  const Room room(room_, request.matches[1].str(), length);
  if (!room.taken()) {
    connection.keep = false;
    Answer(response, {503, std::nullopt, "too much is being received", 1});
    return;
  }
  connection.stream.AwaitBody(length);
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
  answerer_.set_pre_routing_handler(
      [this](const Request& request, Response& response) { return Admit(request, response); });
  answerer_.Get("/v1/ca", [this](const Request& /*request*/, Response& response) {
    const Result<std::string> pem = keys::FormatCertificate(gate_->root());
    if (pem) response.set_content(*pem, "application/x-pem-file");
    if (!pem) Answer(response, 503, {{"error", pem.error().message}});
  });
  answerer_.Post("/v1/enrol",
                 [this](const Request& request, Response& response) { Enrol(request, response); });
  answerer_.Post(R"(/v1/sensors/([a-z0-9.-]+)/batches/(\d{1,19}))",
                 [this](const Request& request, Response& response,
                        const httplib::ContentReader& read) { Take(request, response, read); });
  answerer_.Get(
      R"(/v1/sensors/([a-z0-9.-]+)/position)", [this](const Request& request, Response& response) {
        const Result<wire::ChainId> chain_id = wire::ParseChainId(request.get_param_value("chain"));
        if (!chain_id) {
          Answer(response, 400, {{"error", chain_id.error().message}});
          return;
        }
        Answer(response, intake_.PositionOf(request.matches[1].str(), *chain_id));
      });
  answerer_.Get("/v1/status", [this](const Request& /*request*/, Response& response) {
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
            {"over_quota", counts.over_quota},
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
  answerer_.set_keep_alive_max_count(1 << 30);
  answerer_.set_payload_max_length(kBodyBytesMax);
  answerer_.set_tcp_nodelay(true);
  AddRoutes();
  port_ = options_.port == 0 ? answerer_.bind_to_any_port(options_.address)
          : answerer_.bind_to_port(options_.address, options_.port) ? options_.port
                                                                    : -1;
  if (port_ < 0) {
    return Fail(ErrorCode::kUnavailable, "{}:{}: cannot listen there: {}", options_.address,
                options_.port, ErrnoText(errno));
  }
  listening_ = FileDescriptor(answerer_.listening());
  // httplib's queue of five would turn sensors away while somebody else knocks.
  ::listen(listening_.get(), SOMAXCONN);
  ::fcntl(listening_.get(), F_SETFL, ::fcntl(listening_.get(), F_GETFL) | O_NONBLOCK);
  member_threads_ = std::make_unique<httplib::ThreadPool>(kMemberThreads);
  guest_threads_ = std::make_unique<httplib::ThreadPool>(kGuestPlaces.of_all);
  doorway_ = std::make_unique<Doorway>(listening_.get(), context_.get(),
                                       [this](Doorway::Guest guest) { Welcome(std::move(guest)); });
  return {};
}

void HttpsServer::StopThreads() {
  stopping_ = true;
  doorway_.reset();
  for (const auto& threads : {&member_threads_, &guest_threads_}) {
    if (*threads != nullptr) (*threads)->shutdown();
    threads->reset();
  }
  listening_.Reset();
}

// OpenSSL writes to connections that the other side closed.
void PrepareProcess() {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  descriptors.rlim_cur =
      std::max(descriptors.rlim_cur, std::min(descriptors.rlim_max, kDescriptorsMin));
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const Options& options, Intake& intake) {
  ASSIGN_OR_RETURN(std::unique_ptr<Gate> gate, Gate::Open(options.identity));
  try {
    PrepareProcess();
    auto server = std::make_unique<HttpsServer>(options, intake, std::move(gate));
    RETURN_IF_ERROR(server->Listen());
    return server;
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kUnavailable, "{}:{}: {}", options.address, options.port,
                exception.what());
  }
}

}  // namespace spoor::collector

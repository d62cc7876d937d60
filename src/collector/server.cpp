// SPDX-License-Identifier: Apache-2.0
#include "collector/server.hpp"

#include <charconv>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/time.hpp"
#include "collector/gate.hpp"
#include "http/server.hpp"

namespace spoor::collector {
namespace {

using http::Answer;
using http::Request;

constexpr std::size_t kBodyBytesMax = 4 << 20;
constexpr std::size_t kEnrolBytesMax = 16 << 10;
// A sensor uses one connection, and after a cut link leaves one behind. A slow link may take its
// time: 4 MiB in at most 68 minutes. Who sends less than a KiB a second holds a connection for as
// long as a sensor waits for a dead link, twice.
constexpr http::Server::Kind kMembers{.places = {.of_all = 1024, .of_one = 8},
                                      .threads = 256,
                                      .limits = {.request = std::chrono::seconds(20),
                                                 .answer = std::chrono::seconds(60),
                                                 .bytes_per_second_min = 1 << 10}};
// Enrolment is two short requests.
constexpr http::Server::Kind kGuests{
    .places = {.of_all = 16, .of_one = 16},
    .threads = 16,
    .limits = {.request = std::chrono::seconds(10), .answer = std::chrono::seconds(10)}};
// Enough for a fleet that is set up by hand or script, too slow for guessing.
constexpr std::int64_t kEnrolIntervalNs = 100'000'000;
constexpr std::int64_t kSensorLifetimeDays = 397;

Answer InJson(int status, const nlohmann::json& body) {
  return {.status = status,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"};
}

Answer Refuse(int status, std::string_view why) {
  return InJson(status, {{"error", why}});
}

Answer AnswerOf(const Reply& reply) {
  nlohmann::json body = nlohmann::json::object();
  if (reply.next_sequence) body["next_sequence"] = *reply.next_sequence;
  if (!reply.error.empty()) body["error"] = reply.error;
  Answer answer = InJson(reply.status, body);
  if (reply.retry_after_seconds != 0) {
    answer.headers.push_back({"Retry-After", std::to_string(reply.retry_after_seconds)});
  }
  return answer;
}

std::string TextOf(const nlohmann::json& body, const char* key) {
  return body.is_object() && body.contains(key) && body[key].is_string()
             ? body[key].get<std::string>()
             : std::string{};
}

class HttpsServer final : public Server {
 public:
  HttpsServer(const Options& options, Intake& intake, std::unique_ptr<Gate> gate)
      : options_(options), intake_(intake), gate_(std::move(gate)) {}

  Result<> Listen();
  int port() const override { return server_->port(); }
  void Stop() override { server_->Stop(); }

 private:
  Result<http::ContextPointer> OpenContext() const;
  std::vector<http::Route> MakeRoutes();
  std::optional<Answer> Admit(const Request& request);
  Answer Enrol(const Request& request);
  Answer Take(Request& request);
  Answer Status() const;

  const Options options_;
  Intake& intake_;
  const std::unique_ptr<Gate> gate_;
  std::optional<keys::Authority> authority_;
  std::mutex enrol_mutex_;
  std::int64_t next_enrol_wall_ns_ = 0;
  std::unique_ptr<http::Server> server_;  // uses all of the above
};

Result<http::ContextPointer> HttpsServer::OpenContext() const {
  ASSIGN_OR_RETURN(const keys::KeyPointer key,
                   keys::LoadPrivateKey(options_.identity.private_key()));
  ASSIGN_OR_RETURN(const keys::CertificatePointer certificate,
                   keys::LoadCertificate(options_.identity.certificate()));
  ASSIGN_OR_RETURN(const keys::Identity self, keys::IdentityOf(certificate.get()));
  if (self.role != keys::Role::kCollector) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is a certificate for a {}, not for a collector",
                options_.identity.certificate().string(), keys::RoleName(self.role));
  }
  Result<http::ContextPointer> context = http::OpenMutualContext(
      {.certificate = certificate.get(), .private_key = key.get(), .root = gate_->root()});
  if (context) return context;
  return Fail(context.error().code, "{}: {}", options_.identity.folder.string(),
              context.error().message);
}

// Enrolment and the root certificate are asked for without a certificate; all else is not answered
// without one.
std::optional<Answer> HttpsServer::Admit(const Request& request) {
  if (request.path == "/v1/ca" || request.path == "/v1/enrol") return std::nullopt;
  const Result<keys::Identity> peer = gate_->Admit(request.certificate);
  if (!peer) return Refuse(401, peer.error().message);
  const std::string own = fmt::format("/v1/sensors/{}/", peer->name);
  const bool allowed = request.path == "/v1/status"
                           ? peer->role == keys::Role::kAnalyst
                           : peer->role == keys::Role::kSensor && request.path.starts_with(own);
  if (allowed) return std::nullopt;
  return Refuse(403, fmt::format("not for the {} {}", keys::RoleName(peer->role), peer->name));
}

Answer HttpsServer::Enrol(const Request& request) {
  if (!authority_) return Refuse(403, "this collector does not enrol");
  {
    const std::lock_guard lock(enrol_mutex_);
    const std::int64_t now_wall_ns = WallNow();
    if (now_wall_ns < next_enrol_wall_ns_ && now_wall_ns > next_enrol_wall_ns_ - kEnrolIntervalNs) {
      return AnswerOf({429, std::nullopt, "too many enrolments at once", 1});
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
    return ours ? Refuse(403, enrolment.error().message)
                : Refuse(503, "the authority cannot sign now");
  }
  return InJson(
      200, {{"certificate", enrolment->certificate}, {"escrow_public", enrolment->escrow_public}});
}

Answer HttpsServer::Take(Request& request) {
  const std::string_view digits = request.Parameter("sequence");
  Intake::SubmitOptions options;
  const auto [end, status] =
      std::from_chars(digits.data(), digits.data() + digits.size(), options.sequence);
  if (status != std::errc{} || end != digits.data() + digits.size()) {
    return Refuse(404, "no such thing here");
  }
  options.after_gap = request.QueryValue("after_gap") == "1";
  options.pipelined = request.QueryValue("pipelined") == "1";
  return AnswerOf(
      intake_.Submit(std::string(request.Parameter("sensor")), options, std::move(request.body)));
}

Answer HttpsServer::Status() const {
  const Intake::Counts counts = intake_.counts();
  nlohmann::json witnesses = nlohmann::json::array();
  for (const auto& status : options_.cosigner == nullptr ? std::vector<witness::Cosigner::Status>()
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
  return InJson(200, {{"witnesses", witnesses},
                      {"over_quota", counts.over_quota},
                      {"frames_taken", counts.frames_taken},
                      {"frames_duplicate", counts.frames_duplicate},
                      {"frames_refused", counts.frames_refused},
                      {"checkpoints", counts.checkpoints},
                      {"log_size", counts.log_size},
                      {"chains", counts.chains}});
}

std::vector<http::Route> HttpsServer::MakeRoutes() {
  const auto root = [this](const Request& /*request*/) -> Answer {
    Result<std::string> pem = keys::FormatCertificate(gate_->root());
    if (!pem) return Refuse(503, pem.error().message);
    return {.content_type = "application/x-pem-file", .body = *std::move(pem)};
  };
  const auto position = [this](const Request& request) {
    const Result<wire::ChainId> chain_id = wire::ParseChainId(request.QueryValue("chain"));
    if (!chain_id) return Refuse(400, chain_id.error().message);
    return AnswerOf(intake_.PositionOf(std::string(request.Parameter("sensor")), *chain_id));
  };
  return {
      {.method = "GET", .pattern = "/v1/ca", .answer = root},
      {.method = "POST",
       .pattern = "/v1/enrol",
       .answer = [this](const Request& request) { return Enrol(request); },
       .body_bytes_max = kEnrolBytesMax},
      {.method = "POST",
       .pattern = "/v1/sensors/{sensor}/batches/{sequence}",
       .answer = [this](Request& request) { return Take(request); },
       .body_bytes_max = kBodyBytesMax},
      {.method = "GET", .pattern = "/v1/sensors/{sensor}/position", .answer = position},
      {.method = "GET",
       .pattern = "/v1/status",
       .answer = [this](const Request& /*request*/) { return Status(); }},
  };
}

Result<> HttpsServer::Listen() {
  if (options_.authority) {
    ASSIGN_OR_RETURN(keys::Authority authority, keys::Authority::Open(*options_.authority));
    authority_.emplace(std::move(authority));
  }
  http::Server::Options options{
      .address = options_.address,
      .port = options_.port,
      .guests = kGuests,
      .members = kMembers,
      .name_member = [this](X509* certificate) -> std::optional<std::string> {
        const Result<keys::Identity> peer = gate_->Admit(certificate);
        if (!peer) return std::nullopt;
        return fmt::format("{} {}", keys::RoleName(peer->role), peer->name);
      },
      .room = {.of_all_bytes = 128 << 20, .of_one_bytes = 16 << 20},
      .admit = [this](const Request& request) { return Admit(request); },
      .refuse = Refuse};
  ASSIGN_OR_RETURN(options.context, OpenContext());
  ASSIGN_OR_RETURN(server_, http::Server::Start(std::move(options), MakeRoutes()));
  return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const Options& options, Intake& intake) {
  ASSIGN_OR_RETURN(std::unique_ptr<Gate> gate, Gate::Open(options.identity));
  auto server = std::make_unique<HttpsServer>(options, intake, std::move(gate));
  RETURN_IF_ERROR(server->Listen());
  return server;
}

}  // namespace spoor::collector

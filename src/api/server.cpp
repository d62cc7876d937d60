// SPDX-License-Identifier: Apache-2.0
// The order of what is asked of a request: is it of this place (Host, where nobody signs in), who
// is it, may they, is a change meant (Origin, CSRF), are its parameters known; then it is answered,
// and what was asked is in the audit trail before the answer goes out.
#include "api/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "api/audit_trail.hpp"
#include "api/event_hub.hpp"
#include "api/page_files.hpp"
#include "api/problem.hpp"
#include "api/snapshot.hpp"

namespace spoor::api {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri "
    "'none'; form-action 'self'; frame-ancestors 'none'";

http::Answer WithHeaders(http::Answer answer) {
  answer.headers.push_back({"Content-Security-Policy", std::string(kPolicy)});
  answer.headers.push_back({"Referrer-Policy", "no-referrer"});
  answer.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  return answer;
}

std::string TargetOf(const http::Request& request) {
  std::string target = request.path;
  for (const auto& [name, value] : request.query) {
    target += (target.size() == request.path.size() ? "?" : "&") + name + "=" + value;
  }
  return target;
}

Identity WhoAsks(const Context& context, const http::Request& request) {
  if (const auto header = request.FindHeader("authorization")) {
    constexpr std::string_view kBearer = "Bearer ";
    if (!header->starts_with(kBearer)) return {};
    return context.access->OfToken(std::string(header->substr(kBearer.size())));
  }
  return context.access->OfSession(CookieOf(request, kSessionCookie));
}

/// Whether the address in the browser is this machine's own. Where nobody signs in, a page of
/// another name that was made to point here (DNS rebinding) could else ask.
bool IsForThisMachine(const http::Request& request) {
  std::string host(request.FindHeader("host").value_or(""));
  if (const std::size_t colon = host.rfind(':'); colon != host.npos && !host.ends_with(']')) {
    host.resize(colon);
  }
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

/// Whether a page of another place asks, as its browser says.
bool IsOfAnotherPlace(const http::Request& request) {
  const std::optional<std::string_view> origin = request.FindHeader("origin");
  if (!origin) return false;
  const std::string host(request.FindHeader("host").value_or(""));
  return *origin != "http://" + host && *origin != "https://" + host;
}

/// Why the request is not answered; nothing: it is.
std::optional<http::Answer> Refused(const Context& context, const Endpoint& endpoint,
                                    const Call& call) {
  if (context.access->everybody() && !IsForThisMachine(call.request)) {
    return ProblemAnswer(403, "--insecure-local answers to localhost, 127.0.0.1 and [::1] only");
  }
  if (endpoint.method != "GET" && IsOfAnotherPlace(call.request)) {
    return ProblemAnswer(403, "a page of another place asks");
  }
  if (call.who.role < endpoint.needs) {
    return call.who.role == Role::kNobody
               ? ProblemAnswer(401, "sign in first")
               : ProblemAnswer(403, "this takes the role " + std::string(RoleName(endpoint.needs)));
  }
  const bool changes = endpoint.method != "GET" && endpoint.needs != Role::kNobody;
  if (changes && !call.who.csrf_token.empty() &&
      call.request.FindHeader("x-csrf-token").value_or("") != call.who.csrf_token) {
    return ProblemAnswer(403, "X-CSRF-Token is not that of this session");
  }
  if (const Result<> allowed = call.parameters.Allow(endpoint.parameters); !allowed) {
    return ProblemAnswer(allowed.error());
  }
  return std::nullopt;
}

/// What is asked, so that no two questions are the same text.
std::string AskedOf(const http::Request& request) {
  std::string asked = request.path;
  for (const auto& [name, value] : request.query) {
    asked += fmt::format("\n{}:{}={}:{}", name.size(), name, value.size(), value);
  }
  return asked;
}

/// Whoever heard of something in the event stream is answered out of a catalog that has it.
void AwaitWhatWasHeard(const Context& context, const http::Request& request) {
  const std::optional<std::string_view> heard = request.FindHeader("spoor-heard");
  if (!heard || context.hub == nullptr || context.stores == nullptr) return;
  context.stores->Await(context.hub->GenerationOf(*heard));
}

http::Answer GivenOrKept(const Context& context, const Endpoint& endpoint, Call& call) {
  const std::shared_ptr<Snapshot> snapshot =
      endpoint.kept && context.stores != nullptr ? context.stores->snapshot() : nullptr;
  const std::string asked = AskedOf(call.request);
  if (snapshot != nullptr) {
    if (std::optional<http::Answer> kept = snapshot->answers().Find(asked)) return *std::move(kept);
  }
  Result<http::Answer> given = endpoint.answer(context, call);
  if (!given) return ProblemAnswer(given.error());
  if (snapshot != nullptr) snapshot->answers().Keep(asked, *given);
  return *std::move(given);
}

http::Answer AnswerOf(const Context& context, const Endpoint& endpoint, http::Request& request) {
  Call call{
      .request = request, .parameters = Parameters(request), .who = WhoAsks(context, request)};
  http::Answer answer;
  if (std::optional<http::Answer> refusal = Refused(context, endpoint, call)) {
    answer = *std::move(refusal);
  } else {
    AwaitWhatWasHeard(context, request);
    answer = GivenOrKept(context, endpoint, call);
  }
  if (endpoint.audited && context.audit != nullptr) {
    const Result<> written = context.audit->Add({.user = call.who.user,
                                                 .address = request.address,
                                                 .method = request.method,
                                                 .target = TargetOf(request),
                                                 .status = answer.status});
    // Nobody looks unseen.
    if (!written) answer = ProblemAnswer(503, "the audit trail: " + written.error().message);
  }
  return answer;
}

}  // namespace

std::string CookieOf(const http::Request& request, std::string_view name) {
  std::string_view rest = request.FindHeader("cookie").value_or("");
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      return std::string(pair.substr(name.size() + 1));
    }
  }
  return {};
}

http::Answer RefusalOf(int status, std::string_view why) {
  return WithHeaders(ProblemAnswer(status, why));
}

std::vector<Endpoint> Endpoints() {
  std::vector<Endpoint> all;
  for (auto* const group : {AccessEndpoints, OverviewEndpoints, NetworkEndpoints, GraphEndpoints,
                            ProcessEndpoints, FileEndpoints, SessionEndpoints, AskEndpoints,
                            CaseEndpoints, HealthEndpoints, SearchEndpoints}) {
    std::ranges::move(group(), std::back_inserter(all));
  }
  return all;
}

void KeepFirstAnswers(const Context& context) {
  for (const Endpoint& endpoint : Endpoints()) {
    if (endpoint.path != "/coverage" && endpoint.path != "/overview") continue;
    http::Request request;
    request.method = "GET";
    request.path = "/api/v1" + endpoint.path;
    Call call{.request = request, .parameters = Parameters(request), .who = {}};
    static_cast<void>(GivenOrKept(context, endpoint, call));
  }
}

http::Answer JsonAnswer(const std::string& json, int status) {
  return {.status = status,
          .content_type = "application/json",
          .body = json,
          .headers = {{"Cache-Control", "no-store"}}};
}

http::Answer NoContent() {
  return {.status = 204, .headers = {{"Cache-Control", "no-store"}}};
}

std::vector<http::Route> RoutesOf(const Context& context, const RoutesOptions& options) {
  std::vector<http::Route> routes;
  for (Endpoint& endpoint : Endpoints()) {
    const auto shared = std::make_shared<const Endpoint>(std::move(endpoint));
    routes.push_back({.method = shared->method,
                      .pattern = "/api/v1" + shared->path,
                      .answer =
                          [&context, shared](http::Request& request) {
                            return WithHeaders(AnswerOf(context, *shared, request));
                          },
                      .body_bytes_max = shared->body_bytes_max});
  }
  const auto pages = std::make_shared<const PageFiles>(options.pages);
  routes.push_back(
      {.method = "GET", .pattern = "/{path...}", .answer = [pages](http::Request& request) {
         if (request.path == "/api" || request.path.starts_with("/api/")) {
           return WithHeaders(ProblemAnswer(404, "the API has no such path"));
         }
         return WithHeaders(pages->AnswerOf(request));
       }});
  return routes;
}

}  // namespace spoor::api

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.hpp"
#include "api/parameters.hpp"
#include "api/store_pool.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

/// What answers one path and method of openapi.yaml.
namespace spoor::api {

class AuditTrail;
class EvidenceState;
class EventHub;
class Pins;

/// How long what a page needs, and what somebody asks in SQL or of the library, may take.
inline constexpr std::chrono::seconds kPageTimeMax{30};
inline constexpr std::chrono::seconds kAskTimeMax{60};

/// What all endpoints share; outlives them.
struct Context {
  StorePool* stores = nullptr;
  Access* access = nullptr;
  AuditTrail* audit = nullptr;
  Pins* pins = nullptr;
  EventHub* hub = nullptr;
  EvidenceState* evidence = nullptr;
  std::string store_name;   ///< as the command line calls it
  std::string store_words;  ///< what commands need to find it: see report::StoryOptions
  std::string version;
  bool live = false;    ///< new evidence comes
  bool secure = false;  ///< TLS
};

/// A request that somebody may make.
struct Call {
  http::Request& request;
  const Parameters parameters;
  const Identity who;
};

struct Endpoint {
  std::string method;
  std::string path;  ///< as in openapi.yaml, below /api/v1
  /// Who may ask. There is no endpoint without one.
  Role needs = Role::kAdmin;
  std::vector<std::string_view> parameters{};  ///< that the query may have
  std::function<Result<http::Answer>(const Context& context, Call& call)> answer;
  std::size_t body_bytes_max = 0;
  /// Whether asking is written into the audit trail.
  bool audited = true;
  /// Whether the answer depends on nothing but the request and what is stored: it is kept for as
  /// long as nothing new is.
  bool kept = false;
};

std::vector<Endpoint> AccessEndpoints();
std::vector<Endpoint> OverviewEndpoints();
std::vector<Endpoint> NetworkEndpoints();
std::vector<Endpoint> GraphEndpoints();
std::vector<Endpoint> ProcessEndpoints();
std::vector<Endpoint> FileEndpoints();
std::vector<Endpoint> SessionEndpoints();
std::vector<Endpoint> AskEndpoints();
std::vector<Endpoint> CaseEndpoints();
std::vector<Endpoint> HealthEndpoints();
std::vector<Endpoint> SearchEndpoints();
/// All of them.
std::vector<Endpoint> Endpoints();

http::Answer JsonAnswer(const std::string& json, int status = 200);
http::Answer NoContent();

}  // namespace spoor::api

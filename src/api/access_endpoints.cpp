// SPDX-License-Identifier: Apache-2.0
// Who is asking, signing in and out, the first analyst.
#include <fmt/format.h>

#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "api/problem.hpp"
#include "api/server.hpp"

namespace spoor::api {
namespace {

constexpr std::size_t kBodyBytesMax = 16 << 10;

Json IdentityJson(const Context& context, const Identity& who) {
  const bool in = who.role != Role::kNobody;
  return {{"state", in                               ? "signed_in"
                    : context.access->needs_set_up() ? "set_up"
                                                     : "signed_out"},
          {"user", in ? Json(who.user) : Json()},
          {"role", in ? Json(RoleName(who.role)) : Json()},
          {"csrf_token", in ? TextOrNull(who.csrf_token) : Json()},
          {"store", in ? context.store_name : ""},
          {"version", context.version},
          {"live", context.live},
          {"sign_in_required", !context.access->everybody()}};
}

std::string CookieWith(const Context& context, const std::string& session, std::int64_t seconds) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kSessionCookie,
                     session, seconds, context.secure ? "; Secure" : "");
}

http::Answer SignedInAnswer(const Context& context, const Access::SignedIn& signed_in) {
  http::Answer answer = JsonAnswer(Dump(IdentityJson(context, signed_in.identity)));
  answer.headers.push_back(
      {"Set-Cookie",
       CookieWith(context, signed_in.session, std::chrono::seconds(Access::kSessionMax).count())});
  return answer;
}

/// The texts of these names in the body. Fails: kInvalidArgument.
Result<std::vector<std::string>> TextsIn(const std::string& body,
                                         const std::vector<std::string>& names) {
  const Json json = Json::parse(body, nullptr, false);
  std::vector<std::string> texts;
  for (const std::string& name : names) {
    if (!json.is_object() || !json.contains(name) || !json[name].is_string()) {
      return Fail(ErrorCode::kInvalidArgument, "the body must be an object with the text {}", name);
    }
    texts.push_back(json[name].get<std::string>());
  }
  return texts;
}

/// What trying to come in gives: 429 where it was tried too often, else 401.
http::Answer NotIn(const Error& error, int status) {
  return ProblemAnswer(error.code == ErrorCode::kUnavailable       ? 429
                       : error.code == ErrorCode::kInvalidArgument ? status
                                                                   : StatusOf(error),
                       error.message);
}

Result<http::Answer> SignIn(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words,
                   TextsIn(call.request.body, {"user", "password"}));
  const Result<Access::SignedIn> in =
      context.access->SignIn(words[0], words[1], call.request.address);
  if (!in) return NotIn(in.error(), 401);
  return SignedInAnswer(context, *in);
}

Result<http::Answer> SetUp(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words,
                   TextsIn(call.request.body, {"token", "user", "password"}));
  const Result<Access::SignedIn> in =
      context.access->SetUp(words[0], words[1], words[2], call.request.address);
  if (!in) return NotIn(in.error(), 400);
  return SignedInAnswer(context, *in);
}

Result<http::Answer> SignOut(const Context& context, Call& call) {
  context.access->SignOut(CookieOf(call.request, kSessionCookie));
  http::Answer answer = NoContent();
  answer.headers.push_back({"Set-Cookie", CookieWith(context, "", 0)});
  return answer;
}

}  // namespace

std::vector<Endpoint> AccessEndpoints() {
  return {{.method = "GET",
           .path = "/session",
           .needs = Role::kNobody,
           .answer = [](const Context& context, Call& call) -> Result<http::Answer> {
             return JsonAnswer(Dump(IdentityJson(context, call.who)));
           },
           .audited = false},
          {.method = "POST",
           .path = "/session",
           .needs = Role::kNobody,
           .answer = SignIn,
           .body_bytes_max = kBodyBytesMax},
          {.method = "DELETE", .path = "/session", .needs = Role::kViewer, .answer = SignOut},
          {.method = "POST",
           .path = "/set-up",
           .needs = Role::kNobody,
           .answer = SetUp,
           .body_bytes_max = kBodyBytesMax}};
}

}  // namespace spoor::api

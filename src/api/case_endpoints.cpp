// SPDX-License-Identifier: Apache-2.0
// The report, and what analysts pinned and wrote for it.
#include "analysis/story.hpp"
#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "api/pins.hpp"
#include "api/problem.hpp"
#include "report/text.hpp"

namespace spoor::api {
namespace {

constexpr std::size_t kBodyBytesMax = 512 << 10;

constexpr std::string_view kGapSql = R"(
SELECT g.host_id, g.from_wall_ns, g.until_wall_ns, g.loss_class, g.count, g.reason FROM gap AS g
WHERE ($1 IS NULL OR g.until_wall_ns >= $1) AND ($2 IS NULL OR g.from_wall_ns <= $2)
ORDER BY g.from_wall_ns LIMIT 1000)";

Result<http::Answer> Report(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kAskTimeMax));
  ASSIGN_OR_RETURN(
      const analysis::ToldStory told,
      analysis::TellStory(*store, {.session = std::string(call.parameters.Text("session"))},
                          context.store_words));
  Json chapters = Json::array();
  std::optional<std::int64_t> first, last;
  if (told.story) {
    Json session;
    for (const report::Section& section : told.story->sections) {
      for (const report::Fact& fact : section.facts) {
        if (session.is_null() && fact.id_kind == "session") session = Exact(fact.id);
      }
    }
    for (const report::Section& section : told.story->sections) {
      Json sentences = Json::array();
      for (const report::Fact& fact : section.facts) {
        if (fact.wall_ns) {
          first = std::min(first.value_or(*fact.wall_ns), *fact.wall_ns);
          last = std::max(last.value_or(*fact.wall_ns), *fact.wall_ns);
        }
        Json references = Json::array();
        if (!fact.id_kind.empty()) {
          references.push_back(fact.id_kind + ":" + std::to_string(fact.id));
        }
        sentences.push_back({{"wall_ns", Exact(fact.wall_ns)},
                             {"text", Utf8(report::Plain(fact.text))},
                             {"references", std::move(references)}});
      }
      for (const std::string& line : section.lines) {
        sentences.push_back(
            {{"wall_ns", nullptr}, {"text", Utf8(line)}, {"references", Json::array()}});
      }
      if (sentences.empty()) continue;
      chapters.push_back({{"session_id", session},
                          {"title", section.title.empty() ? told.story->title : section.title},
                          {"sentences", std::move(sentences)}});
    }
  }
  const auto bound = [](std::optional<std::int64_t> time) {
    return time ? store::Value(*time) : store::Value();
  };
  ASSIGN_OR_RETURN(Json gaps, ReadObjects(*store, kGapSql, {bound(first), bound(last)}));
  return JsonAnswer(Dump({{"chapters", std::move(chapters)}, {"gaps", std::move(gaps)}}));
}

Result<http::Answer> ListPins(const Context& context, Call&) {
  return JsonAnswer(Dump({{"pins", context.pins->All()}}));
}

Result<http::Answer> AddPin(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const Pins::Content content, Pins::Content::Parse(call.request.body));
  ASSIGN_OR_RETURN(const Json pin, context.pins->Add(content, call.who.user));
  return JsonAnswer(Dump(pin), 201);
}

Result<http::Answer> ChangePin(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const Pins::Content content, Pins::Content::Parse(call.request.body));
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.contains("revision") || !body["revision"].is_number_integer()) {
    return Fail(ErrorCode::kInvalidArgument, "the body must have the number revision");
  }
  const Result<Json> pin =
      context.pins->Change(std::string(call.request.Parameter("pin_id")),
                           body["revision"].get<std::int64_t>(), content, call.who.user);
  if (!pin && pin.error().code == ErrorCode::kUnavailable) {
    return ProblemAnswer(409, pin.error().message);
  }
  if (!pin) return tl::unexpected<Error>(pin.error());
  return JsonAnswer(Dump(*pin));
}

Result<http::Answer> RemovePin(const Context& context, Call& call) {
  RETURN_IF_ERROR(context.pins->Remove(std::string(call.request.Parameter("pin_id"))));
  return NoContent();
}

}  // namespace

std::vector<Endpoint> CaseEndpoints() {
  return {{.method = "GET",
           .path = "/report",
           .needs = Role::kViewer,
           .parameters = {"session"},
           .answer = Report,
           .kept = true},
          {.method = "GET",
           .path = "/pins",
           .needs = Role::kViewer,
           .parameters = {},
           .answer = ListPins},
          {.method = "POST",
           .path = "/pins",
           .needs = Role::kAnalyst,
           .parameters = {},
           .answer = AddPin,
           .body_bytes_max = kBodyBytesMax},
          {.method = "PUT",
           .path = "/pins/{pin_id}",
           .needs = Role::kAnalyst,
           .parameters = {},
           .answer = ChangePin,
           .body_bytes_max = kBodyBytesMax},
          {.method = "DELETE",
           .path = "/pins/{pin_id}",
           .needs = Role::kAnalyst,
           .parameters = {},
           .answer = RemovePin}};
}

}  // namespace spoor::api

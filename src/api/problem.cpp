// SPDX-License-Identifier: Apache-2.0
#include "api/problem.hpp"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <optional>

#include "api/json.hpp"
#include "base/time.hpp"

namespace spoor::api {
namespace {

std::string_view TitleOf(int status) {
  switch (status) {
    case 400:
      return "The request is wrong";
    case 401:
      return "Nobody is signed in";
    case 403:
      return "That is not allowed";
    case 404:
      return "There is no such thing";
    case 405:
      return "Not that method";
    case 409:
      return "It was changed by somebody else";
    case 413:
      return "The request is too large";
    case 422:
      return "The question was ended";
    case 429:
      return "Too many requests";
    case 503:
      return "Not now";
    default:
      return status < 500 ? "The request is refused" : "The server failed";
  }
}

std::string NewRequestId() {
  static const std::int64_t begin_wall_ns = WallNow();
  static std::atomic<std::uint64_t> count = 0;
  return fmt::format("{:x}-{}", begin_wall_ns, ++count);
}

/// Where SQL is wrong, as the engine says it behind the message: a line with the place marked by ^.
std::optional<std::size_t> PositionIn(const std::string& message) {
  const std::size_t line = message.find("LINE 1: ");
  if (line == message.npos) return std::nullopt;
  const std::size_t line_end = message.find('\n', line);
  const std::size_t caret = message.find('^', line_end == message.npos ? line : line_end);
  if (line_end == message.npos || caret == message.npos) return std::nullopt;
  // A long line is shown from its middle on.
  if (message.compare(line + 8, 3, "...") == 0) return std::nullopt;
  return caret - line_end - 1 - std::string_view("LINE 1: ").size();
}

}  // namespace

http::Answer ProblemAnswer(int status, std::string_view detail) {
  Json problem{{"title", TitleOf(status)},
               {"status", status},
               {"detail", Utf8(detail)},
               {"request_id", NewRequestId()}};
  if (const std::optional<std::size_t> position = PositionIn(std::string(detail))) {
    problem["position"] = *position;
  }
  return {.status = status,
          .content_type = "application/problem+json",
          .body = Dump(problem),
          .headers = {{"Cache-Control", "no-store"}}};
}

int StatusOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kUnavailable:
      return 422;
    default:
      return 500;
  }
}

http::Answer ProblemAnswer(const Error& error) {
  return ProblemAnswer(StatusOf(error), error.message);
}

}  // namespace spoor::api

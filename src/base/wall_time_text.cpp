// SPDX-License-Identifier: Apache-2.0
#include "base/wall_time_text.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/time.hpp"

namespace spoor {
namespace {

constexpr std::int64_t BeginOfYear(int year) {
  const std::chrono::sys_days day{std::chrono::year(year) / std::chrono::January / 1};
  return day.time_since_epoch().count() * 86400LL * 1'000'000'000;
}

}  // namespace

std::string WallTimeText(std::int64_t wall_ns) {
  if (wall_ns < BeginOfYear(kYearMin)) return "beginning";
  if (wall_ns >= BeginOfYear(kYearMax + 1)) return "open";
  return FormatWallTime(wall_ns);
}

std::string WallSpanText(std::int64_t from_wall_ns, std::int64_t until_wall_ns) {
  const std::string from = WallTimeText(from_wall_ns);
  const std::string until = WallTimeText(until_wall_ns);
  return fmt::format("from {} to {}", from == "beginning" ? "the beginning" : from,
                     until == "open" ? "an open end" : until);
}

}  // namespace spoor

// SPDX-License-Identifier: Apache-2.0
#include "programs/question_limits.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "base/time.hpp"

namespace spoor::programs {

void QuestionLimits::AddTo(CLI::App& subcommand) {
  const std::string group = "For a bundle's question";
  subcommand.add_option("--memory-max", memory_bytes_max, "end it when it needs more memory")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(std::uint64_t{64} << 20, std::uint64_t{1} << 50))
      ->default_str("4G")
      ->group(group);
  subcommand.add_option("--time-max", time_max, "end it when it takes longer")
      ->type_name("DURATION")
      ->capture_default_str()
      ->group(group);
}

Result<std::chrono::nanoseconds> QuestionLimits::time() const {
  ASSIGN_OR_RETURN(const std::int64_t time_ns, ParseDuration(time_max));
  if (time_ns <= 0) return Fail(ErrorCode::kInvalidArgument, "--time-max must be above 0");
  return std::chrono::nanoseconds(time_ns);
}

void QuestionLimits::HoldProcess() const {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  const rlim_t wanted = 2 * memory_bytes_max + (rlim_t{1} << 30);
  limit.rlim_cur = std::min(limit.rlim_cur, wanted);
  (void)::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace spoor::programs

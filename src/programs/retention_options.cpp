// SPDX-License-Identifier: Apache-2.0
#include "programs/retention_options.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>

#include "base/time.hpp"

namespace spoor::programs {
namespace {

/// "50G": a number with K, M, G or T (powers of 1024) or nothing behind it.
Result<std::uint64_t> ParseBytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t power = unit.size() == 1 ? kUnits.find(unit[0]) : kUnits.npos;
  const auto shift = static_cast<unsigned>(unit.empty() ? 0 : 10 * (power + 1));
  if (status != std::errc{} || (!unit.empty() && power == kUnits.npos) ||
      number > (UINT64_MAX >> shift)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--keep-bytes {}: must be a number, with K, M, G or T behind it or nothing", text);
  }
  return number << shift;
}

}  // namespace

void RetentionOptions::AddTo(CLI::App& subcommand) {
  subcommand.add_option("--keep", keep, "evidence that came longer ago goes: 30d, 12h")
      ->type_name("DURATION");
  subcommand
      .add_option("--keep-bytes", keep_bytes,
                  "the oldest evidence goes until its entries take at most that much: 50G")
      ->type_name("BYTES");
  subcommand.add_flag("--remove-everything", remove_everything,
                      "with --keep 0 or --keep-bytes 0: yes, no evidence is to be kept");
}

Result<collector::RetentionPolicy> RetentionOptions::Policy() const {
  collector::RetentionPolicy policy;
  if (!keep.empty()) {
    ASSIGN_OR_RETURN(policy.keep_ns, ParseDuration(keep));
    policy.text = "keep " + keep;
  }
  if (!keep_bytes.empty()) {
    ASSIGN_OR_RETURN(policy.keep_bytes, ParseBytes(keep_bytes));
    policy.text +=
        fmt::format("{}keep at most {} bytes", policy.text.empty() ? "" : ", ", *policy.keep_bytes);
  }
  if (policy.text.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "say what to keep: --keep 30d, --keep-bytes 50G");
  }
  const bool keeps_nothing = policy.keep_ns == 0 || policy.keep_bytes == 0U;
  if (keeps_nothing && !remove_everything) {
    return Fail(ErrorCode::kInvalidArgument,
                "{}: keeps nothing; say --remove-everything, too, if that is meant",
                policy.keep_ns == 0 ? "--keep " + keep : "--keep-bytes " + keep_bytes);
  }
  return policy;
}

std::string WhoRemoves(const std::string& command) {
  const uid_t uid = ::getuid();
  const passwd* const user = ::getpwuid(uid);
  return fmt::format("{} as {} (uid {})", command, user == nullptr ? "nobody known" : user->pw_name,
                     uid);
}

}  // namespace spoor::programs

// SPDX-License-Identifier: Apache-2.0
#include "programs/flow_options.hpp"

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/time.hpp"
#include "packets/fingerprint_database.hpp"
#include "packets/flow_policy.hpp"

namespace spoor::programs {
namespace {

const std::string kDatabaseFile = "/etc/p0f/p0f.fp";

Result<> Set(const char* option, const std::string& text, std::int64_t& timeout_ns) {
  if (text.empty()) return {};
  ASSIGN_OR_RETURN(timeout_ns, ParseDuration(text));
  if (timeout_ns > 0) return {};
  return Fail(ErrorCode::kInvalidArgument, "{} {}: must be more than nothing", option, text);
}

}  // namespace

void AddFlowOptions(CLI::App& subcommand, FlowOptions& options) {
  const std::string group = "Flows of packets";
  subcommand
      .add_option("--flow-idle", options.other_idle,
                  "a flow is over when nothing came of it for so long (1m)")
      ->type_name("DURATION")
      ->group(group);
  subcommand
      .add_option("--flow-established-idle", options.established_idle,
                  "the same of an established TCP connection (1h)")
      ->type_name("DURATION")
      ->group(group);
  subcommand
      .add_option("--flow-active", options.active,
                  "a flow that goes on for longer is told in parts, each with its own counts "
                  "(never)")
      ->type_name("DURATION")
      ->group(group);
  subcommand
      .add_option("--fingerprints", options.fingerprints,
                  "by what SYNs tell systems, a p0f.fp (/etc/p0f/p0f.fp)")
      ->type_name("FILE")
      ->group(group);
}

Result<std::string> FingerprintDatabaseOf(const FlowOptions& options) {
  const std::string& file = options.fingerprints.empty() ? kDatabaseFile : options.fingerprints;
  const Result<std::string> text = ReadTextFile(file, packets::FingerprintDatabase::kBytesMax);
  if (!text && options.fingerprints.empty()) return std::string();
  RETURN_IF_ERROR(text);
  auto shortened = packets::FingerprintDatabase::Shorten(*text);
  if (shortened) return shortened;
  return Fail(ErrorCode::kInvalidArgument, "{}: {}", file, shortened.error().message);
}

std::string NoFingerprintsText() {
  return fmt::format("no systems are told by their SYNs: there is no {} (Debian's package p0f)",
                     kDatabaseFile);
}

Result<std::optional<ingest::FlowTimeouts>> FlowTimeoutsOf(const FlowOptions& options) {
  if (options.established_idle.empty() && options.other_idle.empty() && options.active.empty()) {
    return std::optional<ingest::FlowTimeouts>();
  }
  const packets::FlowPolicy usual;
  ingest::FlowTimeouts timeouts{.established_idle_ns = usual.established_idle_ns,
                                .other_idle_ns = usual.other_idle_ns,
                                .active_ns = usual.active_ns};
  RETURN_IF_ERROR(
      Set("--flow-established-idle", options.established_idle, timeouts.established_idle_ns));
  RETURN_IF_ERROR(Set("--flow-idle", options.other_idle, timeouts.other_idle_ns));
  RETURN_IF_ERROR(Set("--flow-active", options.active, timeouts.active_ns));
  return std::optional(timeouts);
}

}  // namespace spoor::programs

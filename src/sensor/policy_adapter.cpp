// SPDX-License-Identifier: Apache-2.0
// An adapter because yaml-cpp throws.
#include <yaml-cpp/yaml.h>

#include <bit>

#include "base/file.hpp"
#include "sensor/policy.hpp"
#include "wire/seal_canary.hpp"

namespace spoor::sensor {
namespace {

constexpr std::uint64_t kPolicyFileBytesMax = 1 << 20;
constexpr std::uint64_t kCallPayloadBytesMax = 16384;  // a record holds 32 KiB at most
constexpr std::uint64_t kPayloadBytesPerSecondMax = 1 << 30;
constexpr std::uint64_t kRingBytesMin = 1 << 20;
constexpr std::uint64_t kRingBytesMax = 1 << 30;

struct Range {
  std::uint64_t from, to;
};
constexpr Range kSealIntervalMs{2, 1000};

template <typename Number>
Result<> ReadNumber(const YAML::Node& value, const std::string& key, Range range, Number& number) {
  std::uint64_t read = 0;
  try {
    read = value.as<std::uint64_t>();
  } catch (const YAML::Exception&) {
    return Fail(ErrorCode::kInvalidArgument, "line {}: {} must be a whole number",
                value.Mark().line + 1, key);
  }
  if (read < range.from || read > range.to) {
    return Fail(ErrorCode::kInvalidArgument, "line {}: {} is {}, must be {} to {}",
                value.Mark().line + 1, key, read, range.from, range.to);
  }
  number = static_cast<Number>(read);
  return {};
}

Result<> ReadKey(const std::string& key, const YAML::Node& value, Policy& policy) {
  if (key == "profile") return {};  // read before the others
  if (key == "terminal_payload_bytes_max") {
    return ReadNumber(value, key, {0, kCallPayloadBytesMax}, policy.terminal_payload_bytes_max);
  }
  if (key == "payload_bytes_max") {
    return ReadNumber(value, key, {0, kCallPayloadBytesMax}, policy.payload_bytes_max);
  }
  if (key == "payload_bytes_per_second") {
    return ReadNumber(value, key, {0, kPayloadBytesPerSecondMax}, policy.payload_bytes_per_second);
  }
  if (key == "ring_bytes") {
    RETURN_IF_ERROR(ReadNumber(value, key, {kRingBytesMin, kRingBytesMax}, policy.ring_bytes));
    if (std::has_single_bit(policy.ring_bytes)) return {};
    return Fail(ErrorCode::kInvalidArgument, "line {}: ring_bytes is {}, must be a power of two",
                value.Mark().line + 1, policy.ring_bytes);
  }
  if (key == "seal_interval_ms") {
    return ReadNumber(value, key, kSealIntervalMs, policy.seal_interval_ms);
  }
  if (key == "canary_interval_ms") {
    if (value.IsScalar() && value.Scalar() == "0") {
      policy.canary_interval_ms = 0;
      return {};
    }
    return ReadNumber(value, key, {wire::kCanaryIntervalMsMin, wire::kCanaryIntervalMsMax},
                      policy.canary_interval_ms);
  }
  return Fail(ErrorCode::kInvalidArgument,
              "unknown key {}; known are profile, terminal_payload_bytes_max, payload_bytes_max, "
              "payload_bytes_per_second, ring_bytes, seal_interval_ms, canary_interval_ms",
              key);
}

}  // namespace

Result<Policy> PolicyOfProfile(std::string_view profile) {
  if (profile == "production") return Policy{};
  if (profile == "honeypot") {
    return Policy{.profile = "honeypot",
                  .terminal_payload_bytes_max = 16384,
                  .payload_bytes_max = 1024,
                  .payload_bytes_per_second = 4 << 20,
                  .seal_interval_ms = 8};
  }
  return Fail(ErrorCode::kInvalidArgument, "unknown profile {}; known are production, honeypot",
              profile);
}

Result<Policy> ParsePolicy(const std::string& text, const Policy& base) {
  Policy policy = base;
  try {
    const YAML::Node document = YAML::Load(text);
    if (document.IsNull()) return policy;
    if (!document.IsMap()) return Fail(ErrorCode::kInvalidArgument, "not a list of `key: value`");
    if (const YAML::Node profile = document["profile"]) {
      ASSIGN_OR_RETURN(policy, PolicyOfProfile(profile.as<std::string>()));
    }
    for (const auto& entry : document) {
      RETURN_IF_ERROR(ReadKey(entry.first.as<std::string>(), entry.second, policy));
    }
    return policy;
  } catch (const YAML::Exception& error) {
    return Fail(ErrorCode::kInvalidArgument, "line {}: {}", error.mark.line + 1, error.msg);
  }
}

Result<Policy> ReadPolicy(const std::filesystem::path& file, const Policy& base) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file, kPolicyFileBytesMax));
  Result<Policy> policy = ParsePolicy(text, base);
  if (policy) return policy;
  return Fail(policy.error().code, "policy {}: {}", file.string(), policy.error().message);
}

}  // namespace spoor::sensor

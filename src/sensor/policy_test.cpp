// SPDX-License-Identifier: Apache-2.0
#include "sensor/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_folder.hpp"

namespace spoor::sensor {
namespace {

using testing::HasSubstr;

class PolicyTest : public testing::Test {
 protected:
  Result<Policy> Read(const std::string& text, const Policy& base = {}) {
    const std::filesystem::path file = scratch_.path() / "policy.yaml";
    std::ofstream(file) << text;
    return ReadPolicy(file, base);
  }
  std::string ErrorOf(const std::string& text) {
    const Result<Policy> policy = Read(text);
    if (policy) return "no error";
    EXPECT_EQ(policy.error().code, ErrorCode::kInvalidArgument);
    return policy.error().message;
  }

  const ScratchFolder scratch_;
};

TEST_F(PolicyTest, ProductionCapturesNoPayload) {
  const Policy policy = *PolicyOfProfile("production");
  EXPECT_EQ(policy.terminal_payload_bytes_max, 0U);
  EXPECT_EQ(policy.payload_bytes_max, 0U);
}

TEST_F(PolicyTest, HoneypotCapturesTerminalsAndFirstBytesWithinABudget) {
  const Policy policy = *PolicyOfProfile("honeypot");
  EXPECT_EQ(policy.terminal_payload_bytes_max, 16384U);
  EXPECT_EQ(policy.payload_bytes_max, 1024U);
  EXPECT_GT(policy.payload_bytes_per_second, 0U);
}

TEST_F(PolicyTest, UnknownProfileIsRefusedWithTheKnownOnes) {
  EXPECT_THAT(PolicyOfProfile("paranoid").error().message,
              HasSubstr("known are production, honeypot"));
}

TEST_F(PolicyTest, FileChangesOnlyWhatItSays) {
  const Result<Policy> policy =
      Read("payload_bytes_max: 64\nring_bytes: 4194304\n", *PolicyOfProfile("honeypot"));
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->profile, "honeypot");
  EXPECT_EQ(policy->payload_bytes_max, 64U);
  EXPECT_EQ(policy->terminal_payload_bytes_max, 16384U);
  EXPECT_EQ(policy->ring_bytes, 4194304U);
  EXPECT_EQ(policy->seal_interval_ms, 8U);
}

TEST_F(PolicyTest, MakesCanariesAsOftenAsTheFileSaysOrNone) {
  EXPECT_EQ(Read("")->canary_interval_ms, 20'000U);
  EXPECT_EQ(Read("canary_interval_ms: 500\n")->canary_interval_ms, 500U);
  EXPECT_EQ(Read("canary_interval_ms: 0\n")->canary_interval_ms, 0U);
  EXPECT_THAT(ErrorOf("canary_interval_ms: 199\n"), HasSubstr("must be 200 to 3600000"));
}

TEST_F(PolicyTest, SealsWithinTheIntervalThatTheFileSays) {
  EXPECT_EQ(Read("")->seal_interval_ms, 200U);
  EXPECT_EQ(Read("seal_interval_ms: 10\n")->seal_interval_ms, 10U);
  EXPECT_THAT(ErrorOf("seal_interval_ms: 1\n"), HasSubstr("must be 2 to 1000"));
}

TEST_F(PolicyTest, ProfileOfTheFileIsTheBaseWhereverItStands) {
  const Result<Policy> policy = Read("payload_bytes_max: 64\nprofile: honeypot\n");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->terminal_payload_bytes_max, 16384U);
  EXPECT_EQ(policy->payload_bytes_max, 64U);
}

TEST_F(PolicyTest, EmptyFileChangesNothing) {
  EXPECT_TRUE(Read("# nothing\n"));
}

TEST_F(PolicyTest, RefusesWhatItDoesNotUnderstandAndSaysWhere) {
  EXPECT_THAT(ErrorOf("payload_bytes: 1\n"), HasSubstr("unknown key payload_bytes;"));
  EXPECT_THAT(ErrorOf("\npayload_bytes_max: many\n"), HasSubstr("line 2: payload_bytes_max must"));
  EXPECT_THAT(ErrorOf("payload_bytes_max: -1\n"), HasSubstr("whole number"));
  EXPECT_THAT(ErrorOf("payload_bytes_max: 99999\n"), HasSubstr("0 to 16384"));
  EXPECT_THAT(ErrorOf("ring_bytes: 3000000\n"), HasSubstr("power of two"));
  EXPECT_THAT(ErrorOf("profile: x\n"), HasSubstr("unknown profile x"));
  EXPECT_THAT(ErrorOf("- a\n"), HasSubstr("key: value"));
  EXPECT_THAT(ErrorOf("a: [1\n"), HasSubstr("line"));
  EXPECT_THAT(ErrorOf("[1]: 2\n"), HasSubstr("policy"));
}

TEST_F(PolicyTest, MissingFileIsNotFound) {
  EXPECT_EQ(ReadPolicy("/nonexistent/policy.yaml", {}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spoor::sensor

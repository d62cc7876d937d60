// SPDX-License-Identifier: Apache-2.0
#include "api/audit_trail.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <sstream>

#include "api/json.hpp"
#include "store/sha256.hpp"

namespace spoor::api {
namespace {

std::string Sha256Of(const std::string& line) {
  store::Sha256Stream digester;
  digester.Add(AsBytes(line));
  return digester.Finish();
}

class AuditTrailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ =
        std::filesystem::path(::testing::TempDir()) /
        ("audit." + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove(file_);
  }
  void TearDown() override { std::filesystem::remove(file_); }
  void Add(const std::string& target) {
    auto trail = AuditTrail::Open(file_);
    ASSERT_TRUE(trail) << trail.error().message;
    ASSERT_TRUE((*trail)->Add({.user = "vera",
                               .address = "127.0.0.1",
                               .method = "GET",
                               .target = target,
                               .status = 200}));
  }
  std::vector<std::string> Lines() const {
    std::istringstream text(ReadTextFile(file_, 1 << 20).value_or(""));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  std::filesystem::path file_;
};

TEST_F(AuditTrailTest, EachLineHoldsTheHashOfTheOneBeforeAlsoOverRestarts) {
  for (const char* target : {"/a", "/b", "/c?q=\xff\n"}) Add(target);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 3u);
  std::string before;
  for (const std::string& line : lines) {
    const Json entry = Json::parse(line);
    EXPECT_EQ(entry["previous_sha256"], before.empty() ? "" : Sha256Of(before));
    EXPECT_EQ(entry["user"], "vera");
    before = line;
  }
}

TEST_F(AuditTrailTest, GoesOnBehindALineThatWasCutOff) {
  Add("/a");
  {
    const auto file = OpenFile(file_, O_WRONLY | O_APPEND);
    ASSERT_TRUE(file);
    ASSERT_TRUE(WriteAll(file->get(), AsBytes("{\"wall_ns\": 1"), file_));
  }
  Add("/b");
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(Json::parse(lines[2])["previous_sha256"], Sha256Of(lines[1]));
}

}  // namespace
}  // namespace spoor::api

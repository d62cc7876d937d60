// SPDX-License-Identifier: Apache-2.0
#include "proof/manifest.hpp"

#include <gmock/gmock.h>

namespace spoor::proof {
namespace {

Manifest Whole() {
  return {.made_by = "spoor 0.1.0",
          .made_wall_ns = 1'795'306'578'078'353'445,
          .answer = AnswerManifest{
              .query = "writers",
              .arguments = {{"path", "/etc/\"passwd\""}, {"start", "-1h"}},
              .scope = Scope::kRecordings,
              .open_recordings = {"00112233445566778899aabbccddeeff"},
              .gaps = queries::GapWindow{.from_wall_ns = 1, .until_wall_ns = 2, .payload = true},
              .segments = {{"event", "event/a.parquet", "ab", 3}}}};
}

TEST(Manifest, ReadsBackWhatItWrites) {
  Manifest without_answer = Whole();
  without_answer.answer.reset();
  Manifest asks_for_gaps = Whole();
  asks_for_gaps.answer->gaps.reset();
  for (const Manifest& manifest : {Whole(), without_answer, asks_for_gaps}) {
    const std::string text = ManifestJson(manifest);
    const auto read = ParseManifest(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(ManifestJson(*read), text);
    EXPECT_EQ(read->answer.has_value(), manifest.answer.has_value());
  }
  const auto read = ParseManifest(ManifestJson(Whole()));
  EXPECT_EQ(read->answer->scope, Scope::kRecordings);
  EXPECT_EQ(read->answer->gaps, Whole().answer->gaps);
  EXPECT_EQ(read->answer->segments, Whole().answer->segments);
}

TEST(Manifest, HasOneSpelling) {
  const std::string good = ManifestJson(Whole());
  for (const std::string& bad :
       {good + " ", good.substr(0, good.size() - 1), " " + good, std::string("{}"), std::string(),
        std::string("[]"), std::string(R"({"format":"spoor bundle","version":1})")}) {
    const auto read = ParseManifest(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, ErrorCode::kUnverified);
  }
  std::string more = good;
  more.insert(more.find("\"query\""), "\"more\": 1,\n  ");
  EXPECT_FALSE(ParseManifest(more)) << "a member that nobody reads";
}

TEST(Manifest, RefusesANewerVersion) {
  std::string newer = ManifestJson(Whole());
  newer.replace(newer.find("\"version\": 1"), 12, "\"version\": 2");
  const auto read = ParseManifest(newer);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace spoor::proof

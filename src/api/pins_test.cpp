// SPDX-License-Identifier: Apache-2.0
#include "api/pins.hpp"

#include <gtest/gtest.h>

namespace spoor::api {
namespace {

constexpr const char* kBody =
    R"({"subject": "process:1", "wall_ns": "5", "title": "here", "text": "they came in"})";

TEST(Pins, AreKeptAndChangeOnlyFromWhatTheyAre) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "pins_are_kept.json";
  std::filesystem::remove(file);
  const auto content = Pins::Content::Parse(kBody);
  ASSERT_TRUE(content) << content.error().message;
  std::string pin_id;
  {
    const auto pins = Pins::Open(file);
    ASSERT_TRUE(pins);
    const auto pin = (*pins)->Add(*content, "ana");
    ASSERT_TRUE(pin);
    pin_id = (*pin)["pin_id"].get<std::string>();
    ASSERT_TRUE((*pins)->Change(pin_id, 1, *content, "vera"));
    const auto late = (*pins)->Change(pin_id, 1, *content, "ana");
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  }
  const auto pins = Pins::Open(file);
  ASSERT_TRUE(pins) << pins.error().message;
  ASSERT_EQ((*pins)->All().size(), 1u);
  EXPECT_EQ((*pins)->All()[0]["user"], "vera");
  EXPECT_EQ((*pins)->All()[0]["revision"], 2);
  ASSERT_TRUE((*pins)->Remove(pin_id));
  const auto next = (*pins)->Add(*content, "ana");
  ASSERT_TRUE(next);
  EXPECT_NE((*next)["pin_id"], pin_id);
  std::filesystem::remove(file);
}

TEST(Pins, RefuseWhatIsNoPin) {
  for (const char* body :
       {"", "[]", "{}", R"({"subject": 1, "wall_ns": null, "title": "", "text": ""})",
        R"({"subject": null, "wall_ns": "soon", "title": "", "text": ""})"}) {
    EXPECT_FALSE(Pins::Content::Parse(body)) << body;
  }
  EXPECT_TRUE(
      Pins::Content::Parse(R"({"subject": null, "wall_ns": null, "title": "", "text": ""})"));
}

}  // namespace
}  // namespace spoor::api

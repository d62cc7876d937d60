// SPDX-License-Identifier: Apache-2.0
#include "event/event.hpp"

#include <gtest/gtest.h>

#include "event/number_range.hpp"

namespace spoor::event {
namespace {

constexpr const char* kBoot = "11111111-1111-4111-8111-111111111111";
constexpr const char* kOtherBoot = "22222222-2222-4222-8222-222222222222";

TEST(EventKind, NamesEveryKindAndFindsItAgain) {
  for (std::size_t i = 0; i < kEventKindCount; ++i) {
    const auto kind = static_cast<EventKind>(i);
    ASSERT_FALSE(EventKindName(kind).empty());
    EXPECT_EQ(EventKindOf(EventKindName(kind)), kind);
  }
  EXPECT_EQ(EventKindName(EventKind::kCredentialChange), "credential_change");
  EXPECT_EQ(EventKindName(EventKind::kWindowSize), "window_size");
  EXPECT_EQ(EventKindName(EventKind::kLoss), "loss");
  EXPECT_EQ(EventKindOf("execve"), std::nullopt);
}

TEST(ObjectType, NamesEveryTypeAndFindsItAgain) {
  for (int i = 0; i <= static_cast<int>(ObjectType::kUnknown); ++i) {
    const auto type = static_cast<ObjectType>(i);
    EXPECT_EQ(ObjectTypeOf(ObjectTypeName(type)), type);
  }
  EXPECT_EQ(ObjectTypeName(ObjectType::kPath), "path");
  EXPECT_EQ(ObjectTypeName(ObjectType::kCharacterDevice), "character_device");
}

TEST(ProcessId, TellsReusedPidsAndBootsAndHostsApart) {
  const std::int64_t id = ProcessId("web", kBoot, {4711, 1000});
  EXPECT_EQ(id, ProcessId("web", kBoot, {4711, 1000}));
  EXPECT_NE(id, ProcessId("web", kBoot, {4711, 2000}));
  EXPECT_NE(id, ProcessId("web", kBoot, {4712, 1000}));
  EXPECT_NE(id, ProcessId("web", kOtherBoot, {4711, 1000}));
  EXPECT_NE(id, ProcessId("mail", kBoot, {4711, 1000}));
}

TEST(ObjectId, KeepsFilesOverABootAndSocketsNot) {
  const auto id = [](const char* boot, ObjectType type) {
    return ObjectId("web", boot, {.type = type, .device = 8, .inode = 5, .path = {}});
  };
  for (const ObjectType type :
       {ObjectType::kFile, ObjectType::kDirectory, ObjectType::kSymlink,
        ObjectType::kCharacterDevice, ObjectType::kBlockDevice, ObjectType::kTty}) {
    EXPECT_EQ(id(kBoot, type), id(kOtherBoot, type)) << ObjectTypeName(type);
  }
  for (const ObjectType type : {ObjectType::kPipe, ObjectType::kSocket, ObjectType::kPty,
                                ObjectType::kMemfd, ObjectType::kAnonymous, ObjectType::kUnknown}) {
    EXPECT_NE(id(kBoot, type), id(kOtherBoot, type)) << ObjectTypeName(type);
  }
}

TEST(ObjectId, DependsOnEveryPartOfTheKey) {
  const ObjectKey key{.type = ObjectType::kFile,
                      .device = 1,
                      .inode = 2,
                      .generation = 3,
                      .instance = 4,
                      .path = {}};
  ObjectKey other = key;
  other.generation = 9;
  EXPECT_NE(ObjectId("h", kBoot, key), ObjectId("h", kBoot, other));
  other = key;
  other.instance = 9;
  EXPECT_NE(ObjectId("h", kBoot, key), ObjectId("h", kBoot, other));
  other = key;
  other.path = "/a";  // no part of the key of a file
  EXPECT_EQ(ObjectId("h", kBoot, key), ObjectId("h", kBoot, other));
  EXPECT_EQ(ObjectId("h", kBoot, {}), 0);
  EXPECT_NE(ObjectId("h", kBoot, {.type = ObjectType::kPath, .path = "/a"}),
            ObjectId("h", kBoot, {.type = ObjectType::kPath, .path = "/b"}));
}

TEST(NumberRange, HasRoomForEverySumOfABootTimeAndADifferenceOfClocks) {
  std::int64_t difference = 0;
  std::int64_t sum = 0;
  const auto boot_max = static_cast<std::int64_t>(kBootNsMax);
  EXPECT_FALSE(__builtin_sub_overflow(kWallNsMin, boot_max, &difference));
  EXPECT_FALSE(__builtin_add_overflow(difference, std::int64_t{0}, &sum));
  EXPECT_FALSE(__builtin_add_overflow(kWallNsMax, boot_max, &sum));
}

TEST(NumberRange, PutsNumbersOutOfItAtItsEndsAndTimesBesideTheEventBefore) {
  Event event;
  event.end_boot_ns = INT64_MAX;
  event.wall_ns = INT64_MIN;
  event.begin_boot_ns = UINT64_MAX;
  event.process.start_boot_ns = UINT64_MAX;
  event.other_process = ProcessKey{7, UINT64_MAX};
  event.size_bytes = UINT64_MAX;
  event.result = INT64_MIN;
  event.offset_bytes = INT64_MAX;
  event.loss =
      LossCount{.loss_class = "io", .count = UINT64_MAX, .from_boot_ns = UINT64_MAX, .reason = ""};
  EXPECT_FALSE(IsInRange(event));
  BringIntoRange(500, 1000, event);
  EXPECT_TRUE(IsInRange(event));
  EXPECT_EQ(event.end_boot_ns, 500U);
  EXPECT_EQ(event.wall_ns, 1500);
  EXPECT_EQ(event.size_bytes, kCountMax);
  EXPECT_EQ(event.loss->count, kCountMax);
  EXPECT_EQ(event.other_process->start_boot_ns, kBootNsMax);
}

TEST(NumberRange, LeavesWhatIsInItAlone) {
  Event event;
  event.end_boot_ns = kBootNsMax;
  event.wall_ns = kWallNsMin;
  event.result = kResultMin;
  EXPECT_TRUE(IsInRange(event));
}

}  // namespace
}  // namespace spoor::event

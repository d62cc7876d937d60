// SPDX-License-Identifier: Apache-2.0
#include "undo/names.hpp"

#include <gtest/gtest.h>

#include "event/open_flags.hpp"

namespace spoor::undo {
namespace {

using event::EventKind;

constexpr std::int64_t kMade = 0101 | event::kOpenCreated;

/// A call of the only process on the only host; each is later than the one before.
class Calls {
 public:
  Calls& Add(EventKind kind, std::int64_t object, std::string path, std::string other_path = {},
             std::int64_t other_object = 0, std::int64_t flags = 0,
             std::optional<std::int64_t> offset_bytes = {}) {
    const auto event_id = static_cast<std::int64_t>(deeds_.size()) + 1;
    deeds_.push_back({.event_id = event_id,
                      .host_id = 1,
                      .process_id = 7,
                      .kind = kind,
                      .object_id = object,
                      .other_object_id = other_object,
                      .path = std::move(path),
                      .other_path = std::move(other_path),
                      .flags = flags,
                      .offset_bytes = offset_bytes,
                      .wall_ns = event_id,
                      .boot_ns = event_id});
    return *this;
  }
  NetEffect Effect() const { return NetEffectOf(deeds_); }

 private:
  std::vector<Deed> deeds_;
};

const PlaceHistory& At(const NetEffect& effect, const std::string& path) {
  return effect.places.at({1, path});
}

TEST(Names, OfAFileThatWasMadeAndRemovedNothingIsLeft) {
  const NetEffect effect = Calls()
                               .Add(EventKind::kOpen, 11, "/a", {}, 0, kMade)
                               .Add(EventKind::kUnlink, 11, "/a")
                               .Effect();
  EXPECT_TRUE(At(effect, "/a").before.IsNothing());
  EXPECT_TRUE(At(effect, "/a").after.IsNothing());
}

TEST(Names, AFileThatWasRenamedTwiceHasItsFirstNameForAHome) {
  const NetEffect effect = Calls()
                               .Add(EventKind::kRename, 11, "/a", "/b")
                               .Add(EventKind::kRename, 11, "/b", "/c")
                               .Effect();
  EXPECT_EQ(effect.homes.at(11).second, "/a");
  EXPECT_EQ(effect.ends.at(11), (std::set<Place>{{1, "/c"}}));
  EXPECT_TRUE(At(effect, "/b").before.IsNothing());
  EXPECT_TRUE(At(effect, "/b").after.IsNothing());
}

TEST(Names, WhatWasRenamedOverIsNowhereAnyMore) {
  const NetEffect effect = Calls()
                               .Add(EventKind::kOpen, 12, "/new", {}, 0, kMade)
                               .Add(EventKind::kRename, 12, "/new", "/a", 11)
                               .Effect();
  EXPECT_EQ(At(effect, "/a").before.object_id, 11);
  EXPECT_EQ(At(effect, "/a").after.object_id, 12);
  EXPECT_FALSE(effect.ends.contains(11));
  EXPECT_FALSE(effect.homes.contains(12));
}

TEST(Names, AWriteByDescriptorGivesARemovedFileNoNameAgain) {
  const NetEffect effect = Calls()
                               .Add(EventKind::kUnlink, 11, "/a")
                               .Add(EventKind::kWrite, 11, "/a", {}, 0, 0, 0)
                               .Effect();
  EXPECT_TRUE(At(effect, "/a").after.IsNothing());
}

TEST(Names, WhereItIsNotSaidWhetherAFileWasThereItIsNotKnown) {
  EXPECT_FALSE(
      At(Calls().Add(EventKind::kOpen, 11, "/a", {}, 0, 0101).Effect(), "/a").before.known);
  const NetEffect found =
      Calls().Add(EventKind::kOpen, 11, "/a", {}, 0, 0101 | event::kOpenFound).Effect();
  EXPECT_EQ(At(found, "/a").before.object_id, 11);
  EXPECT_FALSE(found.objects.at(11).made.has_value());
}

TEST(Names, OnlyDescriptorsThatCanOnlyAppendAppend) {
  Calls appended;
  appended.Add(EventKind::kOpen, 11, "/a", {}, 0, 02001)
      .Add(EventKind::kWrite, 11, "/a", {}, 0, 0, 100);
  EXPECT_TRUE(appended.Effect().objects.at(11).only_appended);
  appended.Add(EventKind::kOpen, 11, "/a", {}, 0, 01);
  EXPECT_FALSE(appended.Effect().objects.at(11).only_appended);
  // The descriptor came from somebody else: how it was opened is not known.
  EXPECT_FALSE(Calls()
                   .Add(EventKind::kWrite, 12, "/b", {}, 0, 0, 100)
                   .Effect()
                   .objects.at(12)
                   .only_appended);
}

TEST(Names, NamesThatWereExchangedAreMarked) {
  const NetEffect effect = Calls().Add(EventKind::kRename, 11, "/a", "/b", 12, 2).Effect();
  EXPECT_TRUE(At(effect, "/a").exchanged && At(effect, "/b").exchanged);
  EXPECT_EQ(effect.homes.at(11).second, "/a");
  EXPECT_EQ(effect.homes.at(12).second, "/b");
}

}  // namespace
}  // namespace spoor::undo

// SPDX-License-Identifier: Apache-2.0
#include "ingest/descriptor_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace spoor::ingest {
namespace {

Descriptor Of(std::int64_t object_id, bool close_on_exec = false) {
  return {.object_id = object_id, .close_on_exec = close_on_exec};
}

std::int64_t ObjectAt(const DescriptorTable& table, std::int32_t fd) {
  const Descriptor* const found = table.Find(fd);
  return found == nullptr ? 0 : found->object_id;
}

TEST(DescriptorTable, KnowsTheSameAsAPlainMapWhateverIsDone) {
  std::mt19937 random(7);
  const auto pick = [&](std::int32_t below) {
    return static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(below));
  };
  DescriptorTable table;
  std::map<std::int32_t, Descriptor> plain;
  constexpr std::int32_t kFdMax = 3000;
  for (int step = 0; step < 4000; ++step) {
    const std::int32_t fd = pick(20) == 0 ? INT32_MAX - pick(5) : pick(kFdMax);
    const std::int32_t last = pick(4) == 0 ? INT32_MAX : fd + std::min(pick(100), INT32_MAX - fd);
    switch (pick(8)) {
      case 0:
        table.Close(fd, last);
        plain.erase(plain.lower_bound(fd), plain.upper_bound(last));
        break;
      case 1:
        table.SetCloseOnExec(fd, last);
        for (auto& [number, descriptor] : plain) {
          if (number >= fd && number <= last) descriptor.close_on_exec = true;
        }
        break;
      case 2:
        if (step % 50 != 0) break;
        table.CloseOnExec();
        std::erase_if(plain, [](const auto& entry) { return entry.second.close_on_exec; });
        break;
      default:
        table.Set(fd, Of(step + 1, step % 3 == 0));
        plain[fd] = Of(step + 1, step % 3 == 0);
    }
    for (int i = 0; i < 5; ++i) {
      const std::int32_t asked = i == 0 ? fd : pick(kFdMax);
      const auto known = plain.find(asked);
      ASSERT_EQ(ObjectAt(table, asked), known == plain.end() ? 0 : known->second.object_id) << step;
    }
  }
}

TEST(DescriptorTable, AChildHasItsParentsAndChangesNothingOfTheParent) {
  DescriptorTable parent;
  for (std::int32_t fd = 0; fd < 2000; ++fd) parent.Set(fd, Of(fd + 1, fd % 2 == 0));
  DescriptorTable child;
  child.Inherit(parent);
  child.Set(5, Of(99));
  child.CloseOnExec();
  EXPECT_EQ(ObjectAt(child, 5), 99);
  EXPECT_EQ(ObjectAt(child, 4), 0);
  EXPECT_EQ(ObjectAt(child, 1999), 2000);
  EXPECT_EQ(ObjectAt(parent, 4), 5);
  EXPECT_EQ(ObjectAt(parent, 5), 6);
  parent.Clear();
  EXPECT_EQ(ObjectAt(child, 1999), 2000);
}

TEST(DescriptorTable, WhatAChildHadBeforeItsForkWasToldStays) {
  DescriptorTable parent;
  parent.Set(3, Of(1));
  parent.Set(4, Of(2));
  DescriptorTable child;
  child.Set(3, Of(7));
  child.Inherit(parent);
  EXPECT_EQ(ObjectAt(child, 3), 7);
  EXPECT_EQ(ObjectAt(child, 4), 2);
}

TEST(DescriptorTable, SharedPiecesAreLookedAtOnce) {
  DescriptorTable parent;
  for (std::int32_t fd = 0; fd < 32'000; ++fd) parent.Set(fd, Of(fd + 1));
  std::vector<DescriptorTable> children(1000);
  DescriptorTable::Objects objects;
  for (DescriptorTable& child : children) {
    child.Inherit(parent);
    child.Set(0, Of(50'000));
    child.AddObjects(objects);
  }
  EXPECT_EQ(objects.object_ids.size(), 32'000U);
  // 1031 of the parent, and a path of 3 for each child: all would be a million.
  EXPECT_LT(objects.pieces.size(), 5000U);
}

}  // namespace
}  // namespace spoor::ingest

// SPDX-License-Identifier: Apache-2.0
#include "collector/turns.hpp"

#include <gtest/gtest.h>

namespace spoor::collector {
namespace {

TEST(Turns, OneWithMuchToDoComesBetweenTheOthersAndInItsOwnOrder) {
  Turns<std::string> turns;
  for (const char* item : {"a1", "a2", "a3"}) turns.Add("a", item);
  turns.Add("b", "b1");
  turns.Add("c", "c1");
  std::string order;
  while (!turns.empty()) order += turns.Take() + " ";
  EXPECT_EQ(order, "a1 b1 c1 a2 a3 ");
}

TEST(Turns, WhatIsPutBackComesAfterTheOthersAndBeforeTheRestOfItsOwn) {
  Turns<std::string> turns;
  for (const char* item : {"a1", "a2"}) turns.Add("a", item);
  turns.Add("b", "b1");
  turns.PutBack("a", turns.Take());
  std::string order;
  while (!turns.empty()) order += turns.Take() + " ";
  EXPECT_EQ(order, "b1 a1 a2 ");
}

}  // namespace
}  // namespace spoor::collector

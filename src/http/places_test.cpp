// SPDX-License-Identifier: Apache-2.0
#include "http/places.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

namespace spoor::http {
namespace {

/// A connection, and whether the one who holds its place sees it end.
struct Connection {
  Connection() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    place.reset();
    for (const int end : ends) ::close(end);
  }
  bool ended() const {
    char byte = 0;
    return ::recv(ends[0], &byte, 1, MSG_DONTWAIT) == 0;
  }

  std::array<int, 2> ends{};
  std::unique_ptr<Places::Place> place;
};

class PlacesTest : public ::testing::Test {
 protected:
  void Limit(const Places::Limits& limits) { places_.emplace(limits); }
  Connection& Take(const std::string& whose) {
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->place = places_->Take(whose, connections_.back()->ends[0]);
    return *connections_.back();
  }

  std::optional<Places> places_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

TEST_F(PlacesTest, TakesTheOldestOfWhoeverHasMost) {
  Limit({.of_all = 4, .of_one = 4});
  const Connection& alone = Take("a");
  const Connection& oldest = Take("b");
  const Connection& second = Take("b");
  const Connection& third = Take("b");
  EXPECT_FALSE(oldest.ended());
  const Connection& newcomer = Take("c");
  EXPECT_TRUE(oldest.ended() && oldest.place->cut_off());
  for (const Connection* stays : {&alone, &second, &third, &newcomer}) {
    EXPECT_FALSE(stays->ended() || stays->place->cut_off());
  }
}

TEST_F(PlacesTest, OneWhoOpensManyTakesThemFromNobodyElse) {
  Limit({.of_all = 3, .of_one = 3});
  const Connection& alone = Take("a");
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(Take("flood").place, nullptr);
    std::erase_if(connections_, [](const auto& one) { return one->place->cut_off(); });
  }
  EXPECT_EQ(connections_.size(), 3U);
  EXPECT_FALSE(alone.ended());
}

TEST_F(PlacesTest, WhenEachHasOneTheOldestGoes) {
  Limit({.of_all = 2, .of_one = 2});
  const Connection& first = Take("b");
  const Connection& second = Take("a");
  const Connection& third = Take("c");
  EXPECT_TRUE(first.ended());
  EXPECT_FALSE(second.ended() || third.ended());
}

TEST_F(PlacesTest, NobodyHasMoreThanTheirShare) {
  Limit({.of_all = 10, .of_one = 2});
  const Connection& first = Take("a");
  const Connection& second = Take("a");
  const Connection& third = Take("a");
  EXPECT_TRUE(first.ended());
  EXPECT_FALSE(second.ended() || third.ended());
}

TEST_F(PlacesTest, RefusesWhileThoseThatWereCutOffHaveNotEnded) {
  Limit({.of_all = 10, .of_one = 2});
  for (int i = 0; i < 4; ++i) EXPECT_NE(Take("a").place, nullptr);
  EXPECT_EQ(Take("a").place, nullptr) << "two stay, two were cut off and hold on";
  EXPECT_NE(Take("b").place, nullptr);
  connections_.front()->place.reset();
  EXPECT_NE(Take("a").place, nullptr);
}

}  // namespace
}  // namespace spoor::http

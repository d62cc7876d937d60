// SPDX-License-Identifier: Apache-2.0
#include "base/archive.hpp"

#include <gtest/gtest.h>

namespace spoor {
namespace {

enum class Colour : std::uint8_t { kRed, kGreen };

struct Thing {
  std::int32_t number = 0;
  std::string text;
  std::optional<std::uint64_t> maybe;
  std::unique_ptr<std::string> owned;
  std::map<std::string, std::vector<std::pair<int, bool>>> map;
  std::unordered_map<int, std::string> hashed;
  std::set<int> set;
  std::array<std::uint8_t, 3> array{};
  std::vector<std::uint16_t> numbers;
  Colour colour = Colour::kRed;
};

template <typename Archive>
void Walk(Archive& archive, Thing& thing) {
  archive(thing.number, thing.text, thing.maybe, thing.owned, thing.map, thing.hashed, thing.set,
          thing.array, thing.numbers);
  WalkEnum(archive, thing.colour, 2);
}

Thing Example() {
  Thing thing;
  thing.number = -7;
  thing.text = std::string("a\0b", 3);
  thing.maybe = 1ULL << 63;
  thing.owned = std::make_unique<std::string>("owned");
  thing.map = {{"x", {{1, true}, {2, false}}}, {"y", {}}};
  thing.hashed = {{1, "one"}, {2, "two"}};
  thing.set = {3, 1, 2};
  thing.array = {9, 8, 7};
  thing.numbers = {1, 65535};
  thing.colour = Colour::kGreen;
  return thing;
}

std::string BytesOf(Thing thing) {
  ArchiveWriter writer;
  writer(thing);
  return writer.bytes();
}

TEST(Archive, GivesBackWhatWasPutIn) {
  const std::string bytes = BytesOf(Example());
  ArchiveReader reader(bytes);
  Thing thing;
  thing.numbers = {5};
  reader(thing);
  ASSERT_TRUE(reader.finished());
  const Thing expected = Example();
  EXPECT_EQ(thing.number, expected.number);
  EXPECT_EQ(thing.text, expected.text);
  EXPECT_EQ(thing.maybe, expected.maybe);
  EXPECT_EQ(*thing.owned, *expected.owned);
  EXPECT_EQ(thing.map, expected.map);
  EXPECT_EQ(thing.hashed, expected.hashed);
  EXPECT_EQ(thing.set, expected.set);
  EXPECT_EQ(thing.array, expected.array);
  EXPECT_EQ(thing.numbers, expected.numbers);
  EXPECT_EQ(thing.colour, Colour::kGreen);
}

TEST(Archive, TellsOfEachPlaceWhereItWasCutOff) {
  const std::string bytes = BytesOf(Example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ArchiveReader reader(std::string_view(bytes).substr(0, size));
    Thing thing;
    reader(thing);
    EXPECT_FALSE(reader.finished()) << size;
  }
}

TEST(Archive, LivesWithEachByteChanged) {
  const std::string bytes = BytesOf(Example());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(0xff);
    ArchiveReader reader(changed);
    Thing thing;
    reader(thing);  // whatever it reads, it ends, and in bounds (the sanitizers look)
    EXPECT_LT(static_cast<int>(thing.colour), 2);
  }
}

TEST(Archive, IsNotFinishedWithMoreThanItReads) {
  const std::string bytes = BytesOf(Example()) + "x";
  ArchiveReader reader(bytes);
  Thing thing;
  reader(thing);
  EXPECT_FALSE(reader.failed());
  EXPECT_FALSE(reader.finished());
}

TEST(Archive, WritesEqualHashMapsAsEqualBytes) {
  std::unordered_map<int, int> up, down;
  for (int i = 0; i < 1000; ++i) up[i] = i;
  down.reserve(100'000);
  for (int i = 999; i >= 0; --i) down[i] = i;
  ArchiveWriter of_up, of_down;
  of_up(up);
  of_down(down);
  EXPECT_EQ(of_up.bytes(), of_down.bytes());
}

TEST(Archive, SharesWhatWasShared) {
  const auto walk = [](auto& archive, std::shared_ptr<std::string>& text, std::uint64_t place) {
    archive.Shared(
        text, place, [] { return std::make_shared<std::string>(); },
        [](auto& inner, std::string& value) { inner(value); });
  };
  auto text = std::make_shared<std::string>("shared");
  std::shared_ptr<std::string> none;
  ArchiveWriter writer;
  walk(writer, text, 1);
  walk(writer, none, 1);
  walk(writer, text, 1);
  ArchiveReader reader(writer.bytes());
  std::shared_ptr<std::string> first, second, third;
  walk(reader, first, 1);
  walk(reader, second, 1);
  walk(reader, third, 1);
  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*first, "shared");
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(third, first);
  ArchiveReader elsewhere(writer.bytes());
  walk(elsewhere, first, 1);
  walk(elsewhere, second, 1);
  walk(elsewhere, third, 2);
  EXPECT_TRUE(elsewhere.failed()) << "a thing stands at one place only";
}

TEST(Archive, TakesNoMoreMemoryThanItMay) {
  std::vector<std::string> texts(1000);
  ArchiveWriter writer;
  writer(texts);
  ArchiveReader enough(writer.bytes());
  enough(texts);
  EXPECT_TRUE(enough.finished());
  ArchiveReader little(writer.bytes(), 1000);
  little(texts);
  EXPECT_TRUE(little.failed());
  EXPECT_LT(texts.size(), 1000);
}

}  // namespace
}  // namespace spoor

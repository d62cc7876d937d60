// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

/// State of this program as bytes and back, for the same build of it: no format for others.
///
/// A type takes part by one function that names its members, for both ways:
///   template <typename Archive> void Walk(Archive& archive, Point& point) {
///     archive(point.x, point.y);
///   }
/// or, where they are private, by a member function template `Walk(archive)`.
/// Numbers are as the machine has them; a container is its size and its elements, in the order of
/// their keys, so that equal states are equal bytes.
namespace spoor {

class ArchiveWriter;
class ArchiveReader;

namespace internal {
template <typename T, typename Archive>
concept WalksItself = requires(T& value, Archive& archive) {
  value.Walk(archive);
};
template <typename T>
concept Number = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <typename T>
concept KeyedContainer = requires {
  typename T::key_type;
};
template <typename T>
concept HashedContainer = KeyedContainer<T> && requires {
  typename T::hasher;
};
template <typename T>
concept Ordered = requires(const T& a, const T& b) {
  a < b;
};
}  // namespace internal

class ArchiveWriter {
 public:
  template <typename... T>
  void operator()(T&... values) {
    (Put(values), ...);
  }
  const std::string& bytes() const { return bytes_; }

  /// What may have several owners is written once. `place`: any number that tells where it may
  /// stand; it is the same wherever the same thing stands. `walk(archive, thing)` writes it.
  template <typename T, typename Make, typename WalkThing>
  void Shared(std::shared_ptr<T>& thing, std::uint64_t /*place*/, Make&& /*make*/,
              WalkThing&& walk) {
    if (thing == nullptr) return Put(std::uint64_t{0});
    const auto [position, added] = shared_.try_emplace(thing.get(), shared_.size() + 1);
    Put(static_cast<std::uint64_t>(position->second));
    if (added) walk(*this, *thing);
  }

 private:
  template <internal::Number T>
  void Put(const T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void PutSize(std::size_t size) { Put(static_cast<std::uint64_t>(size)); }
  void Put(std::string& text) {
    PutSize(text.size());
    bytes_ += text;
  }
  template <typename T>
  void Put(std::optional<T>& value) {
    Put(value.has_value());
    if (value) Put(*value);
  }
  template <typename T>
  void Put(std::unique_ptr<T>& value) {
    Put(value != nullptr);
    if (value != nullptr) Put(*value);
  }
  template <typename First, typename Second>
  void Put(std::pair<First, Second>& value) {
    Put(const_cast<std::remove_const_t<First>&>(value.first));
    Put(value.second);
  }
  template <typename T>
  void Put(std::vector<T>& values) {
    PutSize(values.size());
    if constexpr (internal::Number<T>) {
      bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    } else {
      for (T& value : values) Put(value);
    }
  }
  template <typename T, std::size_t size>
  void Put(std::array<T, size>& values) {
    for (T& value : values) Put(value);
  }
  template <internal::KeyedContainer T>
  void Put(T& values) {
    PutSize(values.size());
    if constexpr (internal::HashedContainer<T>) {
      PutInOrder(values);
    } else {
      for (auto& value : values) PutElement(value);
    }
  }
  template <typename T>
  void PutElement(T& value) {
    // The elements of sets are constant; what is written is not changed.
    Put(const_cast<std::remove_const_t<T>&>(value));
  }
  /// A map whose order is an accident: in that of the keys, or else of their bytes.
  template <typename T>
  void PutInOrder(T& values) {
    using Key = std::conditional_t<internal::Ordered<typename T::key_type>, typename T::key_type,
                                   std::string>;
    std::vector<std::pair<Key, typename T::value_type*>> order;
    order.reserve(values.size());
    for (auto& value : values) {
      if constexpr (internal::Ordered<typename T::key_type>) {
        order.emplace_back(value.first, &value);
      } else {
        ArchiveWriter of_key;
        of_key.PutElement(value.first);
        order.emplace_back(of_key.bytes(), &value);
      }
    }
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [key, value] : order) Put(*value);
  }
  template <typename T>
  requires(!internal::Number<T> && !internal::KeyedContainer<T>) void Put(T& value) {
    if constexpr (internal::WalksItself<T, ArchiveWriter>) {
      value.Walk(*this);
    } else {
      Walk(*this, value);
    }
  }

  std::string bytes_;
  std::map<const void*, std::size_t> shared_;  ///< its number, from 1 on
};

/// Reads what ArchiveWriter wrote. Bytes that are not that (cut off, damaged) never lead outside of
/// them or to more memory than `memory_bytes_max` (about): `failed()` says so at the end.
class ArchiveReader {
 public:
  static constexpr std::uint64_t kMemoryBytesMax = std::uint64_t{2} << 30;
  explicit ArchiveReader(std::string_view bytes, std::uint64_t memory_bytes_max = kMemoryBytesMax)
      : rest_(bytes), memory_left_bytes_(memory_bytes_max) {}

  template <typename... T>
  void operator()(T&... values) {
    (Take(values), ...);
  }
  /// Something was not there; values read since are empty.
  bool failed() const { return failed_; }
  /// For a Walk that finds a value which cannot be.
  void Fail() { failed_ = true; }
  /// All bytes were read, and nothing failed.
  bool finished() const { return !failed_ && rest_.empty(); }

  /// As ArchiveWriter::Shared; `make()` gives a std::shared_ptr<T> that `walk` fills. What stands
  /// at another place than where it was first met fails: no thing can hold itself.
  template <typename T, typename Make, typename WalkThing>
  void Shared(std::shared_ptr<T>& thing, std::uint64_t place, Make&& make, WalkThing&& walk) {
    std::uint64_t number = 0;
    Take(number);
    thing.reset();
    if (failed_ || number == 0) return;
    if (number <= shared_.size()) {
      const auto& [known, known_place] = shared_[static_cast<std::size_t>(number - 1)];
      if (known_place != place) return Fail();
      thing = std::static_pointer_cast<T>(known);
      return;
    }
    if (number != shared_.size() + 1 || !Charge(sizeof(T))) return Fail();
    thing = make();
    shared_.emplace_back(thing, place);
    walk(*this, *thing);
  }
  /// Counts memory that is about to be taken; false: it is too much.
  bool Charge(std::uint64_t bytes) {
    if (bytes > memory_left_bytes_) Fail();
    memory_left_bytes_ -= failed_ ? 0 : bytes;
    return !failed_;
  }

 private:
  template <internal::Number T>
  void Take(T& value) {
    if (failed_ || rest_.size() < sizeof(value)) return Fail();
    if constexpr (std::is_same_v<T, bool>) {
      value = rest_.front() != 0;
    } else {
      std::memcpy(&value, rest_.data(), sizeof(value));
    }
    rest_.remove_prefix(sizeof(value));
  }
  /// Every element takes a byte at least.
  std::size_t TakeSize() {
    std::uint64_t size = 0;
    Take(size);
    if (failed_ || size > rest_.size()) Fail();
    return failed_ ? 0 : static_cast<std::size_t>(size);
  }
  void Take(std::string& text) {
    const std::size_t size = TakeSize();
    if (!Charge(size)) return;
    text.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  template <typename T>
  void Take(std::optional<T>& value) {
    bool there = false;
    Take(there);
    value.reset();
    if (there) Take(value.emplace());
  }
  template <typename T>
  void Take(std::unique_ptr<T>& value) {
    bool there = false;
    Take(there);
    value.reset();
    if (!there || !Charge(sizeof(T))) return;
    value = std::make_unique<T>();
    Take(*value);
  }
  template <typename First, typename Second>
  void Take(std::pair<First, Second>& value) {
    Take(const_cast<std::remove_const_t<First>&>(value.first));
    Take(value.second);
  }
  template <typename T>
  void Take(std::vector<T>& values) {
    values.clear();
    const std::size_t size = TakeSize();
    if constexpr (internal::Number<T>) {
      if (size > rest_.size() / sizeof(T) || !Charge(size * sizeof(T))) return Fail();
      values.resize(size);
      if (size > 0) std::memcpy(values.data(), rest_.data(), size * sizeof(T));
      rest_.remove_prefix(size * sizeof(T));
    } else {
      for (std::size_t left = size; left > 0 && Charge(2 * sizeof(T)); --left) {
        Take(values.emplace_back());
      }
    }
  }
  template <typename T, std::size_t size>
  void Take(std::array<T, size>& values) {
    for (T& value : values) Take(value);
  }
  template <internal::KeyedContainer T>
  void Take(T& values) {
    values.clear();
    constexpr std::uint64_t kNodeBytes = 64;  // of a tree or a hash table, about
    for (std::size_t left = TakeSize();
         left > 0 && Charge(sizeof(typename T::value_type) + kNodeBytes); --left) {
      if constexpr (requires { typename T::mapped_type; }) {
        std::pair<typename T::key_type, typename T::mapped_type> value;
        Take(value);
        values.insert(values.end(), std::move(value));
      } else {
        typename T::key_type value{};
        Take(value);
        values.insert(values.end(), std::move(value));
      }
    }
  }
  template <typename T>
  requires(!internal::Number<T> && !internal::KeyedContainer<T>) void Take(T& value) {
    if constexpr (internal::WalksItself<T, ArchiveReader>) {
      value.Walk(*this);
    } else {
      Walk(*this, value);
    }
  }

  std::string_view rest_;
  std::uint64_t memory_left_bytes_;
  std::vector<std::pair<std::shared_ptr<void>, std::uint64_t>> shared_;  ///< with their places
  bool failed_ = false;
};

/// An enumerator of 0..count - 1.
template <typename Archive, typename Enum>
void WalkEnum(Archive& archive, Enum& value, std::size_t count) {
  archive(value);
  if constexpr (std::is_same_v<Archive, ArchiveReader>) {
    if (static_cast<std::size_t>(value) < count) return;
    archive.Fail();
    value = Enum{};
  }
}

/// A number that must lie in low..high.
template <typename Archive, typename Number>
void WalkNumber(Archive& archive, Number& value, Number low, Number high) {
  archive(value);
  if constexpr (std::is_same_v<Archive, ArchiveReader>) {
    if (value >= low && value <= high) return;
    archive.Fail();
    value = low;
  }
}

}  // namespace spoor

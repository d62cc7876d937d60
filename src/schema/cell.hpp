// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What a row struct is made of. A cell has no default: a row that leaves a column out does not
/// compile, and neither does one whose value is of another type than the column. Texts and bytes
/// are views: a row lives no longer than what it was made from, so write
/// `Append(ProcessRow{…})` and keep no row.
namespace spoor::schema {

/// Bytes of a BLOB column.
struct Bytes {
  std::string_view bytes;
};
using TextList = std::span<const std::string>;

template <typename From>
concept WholeNumber = std::integral<From> && !std::same_as<From, bool> && !std::same_as<From, char>;

/// Whether every value of `From` is a value of a column of `To`, with the same meaning.
template <typename To, typename From>
inline constexpr bool kFits = std::same_as<To, From>;
/// An unsigned number of 64 bits says how it becomes BIGINT: AtMostMax or SameBits.
template <WholeNumber From>
inline constexpr bool kFits<std::int64_t, From> = std::signed_integral<From> || sizeof(From) < 8;
template <WholeNumber From>
inline constexpr bool kFits<std::uint64_t, From> = std::unsigned_integral<From>;
template <typename From>
requires std::convertible_to<const From&, std::string_view>
inline constexpr bool kFits<std::string_view, From> = true;
template <typename From>
requires std::convertible_to<const From&, TextList>
inline constexpr bool kFits<TextList, From> = true;

/// A column that always has a value.
template <typename T>
class NotNull {
 public:
  using Type = T;
  static constexpr bool kNullable = false;
  template <typename From>
  requires kFits<T, From>
  constexpr NotNull(const From& value) : value_(static_cast<T>(value)) {}
  constexpr const T& value() const { return value_; }

 private:
  T value_;
};

/// A column that may be NULL (std::nullopt).
template <typename T>
class Nullable {
 public:
  using Type = T;
  static constexpr bool kNullable = true;
  constexpr Nullable(std::nullopt_t) {}
  template <typename From>
  requires kFits<T, From>
  constexpr Nullable(const From& value) : value_(static_cast<T>(value)) {}
  template <typename From>
  requires kFits<T, From>
  constexpr Nullable(const std::optional<From>& value) {
    if (value) value_ = static_cast<T>(*value);
  }
  constexpr bool has_value() const { return value_.has_value(); }
  constexpr const T& value() const { return *value_; }

 private:
  std::optional<T> value_;
};

/// A count or a clock as BIGINT: what is beyond 2^63 - 1 is 2^63 - 1.
constexpr std::int64_t AtMostMax(std::uint64_t value) {
  constexpr std::uint64_t kMax = INT64_MAX;
  return static_cast<std::int64_t>(std::min(value, kMax));
}
/// A pattern of 64 bits as BIGINT.
constexpr std::int64_t SameBits(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
/// An id where 0 stands for none.
constexpr std::optional<std::int64_t> NotZero(std::int64_t id) {
  return id == 0 ? std::nullopt : std::optional(id);
}
/// A descriptor or an offset where a negative number stands for none.
constexpr std::optional<std::int64_t> NotNegative(std::int64_t number) {
  return number < 0 ? std::nullopt : std::optional(number);
}
/// A text where the empty one stands for none. Takes no temporary.
constexpr std::optional<std::string_view> NotEmpty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace spoor::schema

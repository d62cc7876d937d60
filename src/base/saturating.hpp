// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

/// Arithmetic that ends at the ends of its type where the exact result lies beyond them. The SQL of
/// a store has the same under the name _bigint (store/arithmetic.sql).
namespace spoor {

template <std::integral T>
constexpr T SaturatingAdd(T a, T b) {
  T sum{};
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return std::is_signed_v<T> && b < T{0} ? std::numeric_limits<T>::min()
                                         : std::numeric_limits<T>::max();
}

template <std::integral T>
constexpr T SaturatingSub(T a, T b) {
  T difference{};
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return std::is_signed_v<T> && b < T{0} ? std::numeric_limits<T>::max()
                                         : std::numeric_limits<T>::min();
}

template <std::integral T>
constexpr T SaturatingMul(T a, T b) {
  T product{};
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < T{0}) != (b < T{0}) ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
}

/// The value of `To` that is nearest to `value`.
template <std::integral To, std::integral From>
constexpr To Saturated(From value) {
  if (std::in_range<To>(value)) return static_cast<To>(value);
  return std::cmp_less(value, 0) ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
}

}  // namespace spoor

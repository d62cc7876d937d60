// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "schema/cell.hpp"

namespace spoor::schema {

/// What a number counts, and for a time on which clock. A column's name ends in the unit.
enum class Measure : std::uint8_t {
  kNone,
  kId,      ///< 63-bit id derived from a key (base/stable_id.hpp): the same in every run
  kBootNs,  ///< ns on the boot clock of the host
  kWallNs,  ///< ns since 1970 UTC on the source's own wall clock, never corrected
  kNs,      ///< a difference of times
  kBytes,
  kCount,
};

/// How the rows that several segments hold of one thing become one row. `revision` says which row
/// knows best.
enum class Merge : std::uint8_t {
  kRow,     ///< a row is a thing of its own: nothing is put together
  kKey,     ///< rows with the same key are of one thing
  kAny,     ///< the same in all rows of a thing
  kMin,     ///< the least
  kMax,     ///< the greatest
  kFirst,   ///< the value of the oldest revision that has one
  kLatest,  ///< the value of the newest revision that has one
  /// Of the sensor each row holds what came since the row before: their sum. Of imported files each
  /// row holds all that its file told until then, and another file may tell the same: the greatest.
  kTotal,
  kAnd,       ///< true when it is true in all rows
  kRevision,  ///< event_id up to which the row knows; in segments only
};

/// One column: `kMember` is its place in the row struct and gives name, type and whether it may be
/// NULL.
template <auto kMember>
struct Column {
  Measure measure;
  Merge merge;
  std::string_view meaning;  ///< one sentence

  static constexpr auto kPlace = kMember;
};

/// The part of __PRETTY_FUNCTION__ behind the last "::" of "&Row::member".
template <auto kMember>
constexpr std::string_view NameOfMember() {
  std::string_view text = __PRETTY_FUNCTION__;
  text = text.substr(text.find("kMember = ") + 1);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}

template <typename Row, typename Cell>
Cell CellOf(Cell Row::*);

/// "BIGINT" and so on.
template <typename T>
constexpr std::string_view SqlTypeOf() {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    return "BIGINT";
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return "UBIGINT";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "BOOLEAN";
  } else if constexpr (std::is_same_v<T, double>) {
    return "DOUBLE";
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return "VARCHAR";
  } else if constexpr (std::is_same_v<T, TextList>) {
    return "VARCHAR[]";
  } else {
    static_assert(std::is_same_v<T, Bytes>);
    return "BLOB";
  }
}

}  // namespace spoor::schema

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema/cell.hpp"

/// Short names for the cells of rows.
namespace spoor::schema {

using Integer = NotNull<std::int64_t>;
using IntegerOrNull = Nullable<std::int64_t>;
using UnsignedOrNull = Nullable<std::uint64_t>;
using Real = NotNull<double>;
using Flag = NotNull<bool>;
using FlagOrNull = Nullable<bool>;
using Text = NotNull<std::string_view>;
using TextOrNull = Nullable<std::string_view>;
using TextsOrNull = Nullable<TextList>;
using BytesCell = NotNull<Bytes>;
using BytesOrNull = Nullable<Bytes>;

}  // namespace spoor::schema

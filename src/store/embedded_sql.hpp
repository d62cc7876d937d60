// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace spoor::store {

extern const char* const kSchemaSql;      ///< schema.sql: the tables as analysts see them
extern const char* const kSegmentsSql;    ///< segments.sql: what segments have more than that
extern const char* const kArithmeticSql;  ///< arithmetic.sql: what does not overflow
extern const char* const kViewsSql;       ///< views.sql: tables made of segments
extern const char* const kLookupsSql;     ///< lookups.sql: what several stages ask

}  // namespace spoor::store

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

/// The declarations for readers: what docs/formats/store.md and tools/tables.json hold, which
/// schema_test keeps equal (SPOOR_UPDATE_DOCUMENTS=1 in its environment writes them).
namespace spoor::schema {

/// One section of Markdown for each table, then the loss classes.
std::string TablesMarkdown();

/// The same as JSON: `schema_version`, `tables` (name, sort_orders, columns), `loss_classes`.
std::string TablesJson();

/// 16 hex digits that change with every name, type, order or rule of merging of a table.
std::string Fingerprint();

}  // namespace spoor::schema

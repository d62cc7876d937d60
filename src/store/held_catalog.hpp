// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"
#include "store/catalog.hpp"

/// Readers hold what they read: while somebody holds a catalog, whoever ingests removes no segment
/// that it names, however many catalogs come after it.
///
/// 1. A catalog is a file that is replaced, never written to. A reader shares a lock (flock) on the
///    one that it read. It writes nothing, waits for nobody, and its end, of whatever kind, ends
///    the lock.
/// 2. Whoever ingests gives the catalog a second name in STORE/ingest before it takes its place.
/// 3. Before the next one is published, those of a second name are looked through: one that can be
///    locked alone has no reader, and loses its name. What the others name stays.
///
/// A reader that comes to lock a catalog too late sees that it has no name left, and reads again.
namespace spoor::store {

struct HeldCatalog {
  Catalog catalog;
  /// Shared by all stores that are open over it; null where the file system knows no locks: then
  /// segments stay until the next but one catalog only.
  std::shared_ptr<const FileLock> hold;
};

/// Fails: as LoadCatalog; kUnavailable (catalogs are made faster than one can be read).
Result<HeldCatalog> HoldCatalog(const StoreLayout& layout);

/// Of whoever ingests, who holds the lock of the ingest: gives the catalog that is about to be
/// replaced its second name. Where that cannot be, its readers are as without locks.
void KeepCatalog(const StoreLayout& layout);

/// The same: the segments that catalogs name which readers hold. The others lose their second name.
std::set<std::string> FilesHeldByReaders(const StoreLayout& layout);

}  // namespace spoor::store

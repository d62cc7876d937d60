// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace spoor {

/// Where things are inside a store folder. Only evidence/ and key/ cannot be made again.
struct StoreLayout {
  std::filesystem::path root;

  std::filesystem::path evidence() const { return root / "evidence"; }        ///< the log
  std::filesystem::path private_key() const { return root / "key/log.pem"; }  ///< 0600
  std::filesystem::path public_key() const { return root / "key/log.vkey"; }  ///< C2SP verifier key
  /// Checkpoints that witnesses cosigned, the newest of each (docs/formats/witness.md).
  std::filesystem::path witnessed() const { return root / "witnessed"; }
  /// What a killed writer left behind the last checkpoint.
  std::filesystem::path set_aside() const { return root / "set-aside"; }
  std::filesystem::path segments() const { return root / "segments"; }  ///< Parquet
  /// Where the ingest of recordings that go on stands.
  std::filesystem::path ingest_state() const { return root / "ingest"; }
  std::filesystem::path index() const { return root / "index"; }           ///< causal index
  std::filesystem::path catalog() const { return root / "catalog.json"; }  ///< live segments
  std::filesystem::path ingest_lock() const { return root / "ingest.lock"; }
};

}  // namespace spoor

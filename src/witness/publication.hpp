// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "evidence/checkpoint.hpp"
#include "evidence/tile_path.hpp"
#include "http/message.hpp"

namespace spoor::witness {

/// A log's checkpoint, tiles and entries under the names of C2SP tlog-tiles, from a store's files
/// as they are, beside a live writer too. Needs to read them and nothing else; has no key, as
/// whoever reads the answers checks them. Stateless: any number of threads.
class Publication {
 public:
  struct Options {
    std::filesystem::path evidence;   ///< STORE/evidence
    std::filesystem::path witnessed;  ///< STORE/witnessed; may be missing
    bool entries = true;              ///< false: hashes only, so that nothing of the record is told
    /// 0: the newest checkpoint is served, with the cosignatures it has. More: the newest that has
    /// at least as many.
    std::size_t cosignatures_min = 0;
  };
  explicit Publication(Options options) : options_(std::move(options)) {}

  /// Answer to a GET of `path`: "/checkpoint", "/tile/L/N[.p/W]", "/tile/entries/N[.p/W]".
  http::Answer Answer(std::string_view path) const;

 private:
  Result<evidence::ParsedNote> NewestNote() const;
  http::Answer AnswerCheckpoint() const;
  http::Answer AnswerTile(const evidence::TileName& name) const;

  const Options options_;
};

}  // namespace spoor::witness

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "collector/intake.hpp"
#include "keys/authority.hpp"
#include "witness/cosigner.hpp"

namespace spoor::collector {

/// The collector's HTTPS side (docs/formats/transport.md): who may do what, bounded bodies,
/// answers.
class Server {
 public:
  struct Options {
    std::string address;
    int port = 0;  ///< 0: any free one
    keys::IdentityLayout identity;
    /// Where it may enrol sensors from; nothing: it does not enrol.
    std::optional<std::filesystem::path> authority;
    /// Whose state the status shows; null: no witness is asked. Outlives the server.
    const witness::Cosigner* cosigner = nullptr;
  };
  virtual ~Server() = default;
  /// Binds, and serves on threads of its own until Stop. `intake` outlives the server.
  /// Fails: kNotFound, kUnavailable, kCorrupt (keys), kUnavailable (the address is taken).
  static Result<std::unique_ptr<Server>> Start(const Options& options, Intake& intake);
  virtual int port() const = 0;
  virtual void Stop() = 0;
};

}  // namespace spoor::collector

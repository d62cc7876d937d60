// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "evidence/note.hpp"
#include "http/client.hpp"
#include "witness/request.hpp"

namespace spoor::witness {

/// Where a witness answers, and the key that its cosignatures must have.
struct WitnessAddress {
  std::string url;     ///< http:// or https://, host, port unless it is the usual one
  std::string prefix;  ///< of all paths: empty, or begins with '/' and does not end with one
  evidence::VerifierKey key;

  /// "URL=VKEYFILE". Fails: kInvalidArgument, and as VerifierKey::Load.
  static Result<WitnessAddress> Parse(const std::string& text);
};

/// One witness, asked over HTTP. What it answers is bounded and not believed here. Not thread-safe,
/// but for Cancel.
class WitnessClient {
 public:
  using Reply = http::Client::Reply;  ///< its body is at most 64 KiB
  virtual ~WitnessClient() = default;
  static Result<std::unique_ptr<WitnessClient>> Open(const WitnessAddress& address);

  /// Fails: kUnavailable (does not answer, or not in HTTP).
  virtual Result<Reply> AddCheckpoint(const AddCheckpointRequest& request) = 0;
  /// The checkpoint of the log `origin` that it says it cosigned last; nothing when it says there
  /// is none or does not serve them. Fails: kUnavailable.
  virtual Result<std::optional<std::string>> LatestCheckpoint(const std::string& origin) = 0;
  /// Makes a request that is under way on another thread fail soon.
  virtual void Cancel() = 0;
};

}  // namespace spoor::witness

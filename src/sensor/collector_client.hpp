// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "http/dialling.hpp"
#include "keys/authority.hpp"
#include "wire/seal_frame.hpp"

/// The sensor's side of docs/formats/transport.md.
namespace spoor::sensor {

/// What a collector answered.
struct CollectorAnswer {
  int status = 0;                              ///< HTTP
  std::optional<std::uint64_t> next_sequence;  ///< the chain's first that the collector lacks
  std::int64_t retry_after_seconds = 0;        ///< with 429 and 503
  std::string error;                           ///< what it says is wrong
};

/// One connection, kept open, to one collector: TLS 1.3, both sides with certificates.
/// Not thread-safe.
class CollectorClient {
 public:
  virtual ~CollectorClient() = default;
  /// `url`: https://HOST:PORT. Connects on first use. Fails: kInvalidArgument (URL),
  /// kNotFound, kUnavailable, kCorrupt (the keys in `identity`).
  /// `before_connect`: called from the thread that connects.
  static Result<std::unique_ptr<CollectorClient>> Open(const std::string& url,
                                                       const keys::IdentityLayout& identity,
                                                       http::BeforeConnect before_connect = {});

  struct PostOptions {
    std::uint64_t sequence = 0;  ///< of the first frame
    bool after_gap = false;      ///< what is before it cannot be delivered
    bool pipelined = false;      ///< answer when the post before this one is durable
  };
  /// Fails: kUnavailable (no answer: unreachable, cut, or not whom the certificate must name).
  virtual Result<CollectorAnswer> Post(const PostOptions& options,
                                       std::span<const std::byte> frames) = 0;
  virtual Result<CollectorAnswer> Position(const wire::ChainId& chain_id) = 0;
};

/// Makes this host's key, has it certified by the collector with the token, and writes `folder`
/// (keys::IdentityLayout). The collector is believed because its authority has the fingerprint in
/// the token. Fails: kUnverified (it has not, or it refused), kUnavailable, kIo.
Result<> Enrol(const std::string& url, const keys::Token& token,
               const std::filesystem::path& folder);

}  // namespace spoor::sensor

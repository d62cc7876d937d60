// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "http/dialling.hpp"
#include "http/tls.hpp"
#include "http/url.hpp"

namespace spoor::http {

/// One connection, kept open, to one server. What that answers is bounded in time and size and
/// believed in nothing. Follows no redirects. Not thread-safe, but for Cancel.
class Client {
 public:
  struct Options {
    Url url{};
    std::chrono::seconds connect{5};
    /// For a handshake, for 16 KiB to go, for an answer to come, for its body.
    std::chrono::seconds transfer{10};
    std::size_t answer_bytes_max = 64 << 10;
    /// A link that is cut is noticed within some 10 s, however long the server may take.
    bool notices_dead_links = false;
    bool only_tls13 = false;
    Trust trust = Trust::kSystem;
    X509* root = nullptr;         ///< with Trust::kRoot
    X509* certificate = nullptr;  ///< to show; outlives the client, as its key does
    EVP_PKEY* private_key = nullptr;
    BeforeConnect before_connect{};
  };
  virtual ~Client() = default;
  /// Connects on first use. Fails: kUnavailable (no TLS to be had with these keys).
  static Result<std::unique_ptr<Client>> Open(const Options& options);

  struct Request {
    std::string method = "GET";
    std::string path;  ///< with its query, encoded
    std::string content_type{};
    std::span<const std::byte> body{};
  };
  struct Reply {
    int status = 0;
    std::string content_type;
    std::int64_t retry_after_seconds = 0;  ///< 0: does not say
    std::string body;
  };
  /// Fails: kUnavailable, naming the server and saying why there is no answer.
  virtual Result<Reply> Send(const Request& request) = 0;
  /// Makes requests fail soon, that under way on another thread and all later ones.
  virtual void Cancel() = 0;
};

}  // namespace spoor::http

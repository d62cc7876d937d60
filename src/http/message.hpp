// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spoor::http {

struct Header {
  std::string name;  ///< of a request: in lower case
  std::string value;
};

/// A request as a route sees it. All of it is what a stranger says, but for the last three.
struct Request {
  std::string method;
  std::string path;  ///< decoded, without the query; begins with '/'
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded
  std::vector<Header> headers;
  std::uint64_t body_bytes = 0;  ///< that it announces
  std::string body;              ///< empty until it was admitted
  /// What stands in the path for the {names} of the route's pattern.
  std::map<std::string, std::string, std::less<>> parameters;

  std::string address;          ///< IPv4; of IPv6 the first 64 bits
  std::string whose;            ///< Server::Options::name_member, else the address
  X509* certificate = nullptr;  ///< the peer's, verified by TLS; lives as long as the request

  /// The first of that name (lower case); nothing when there is none.
  std::optional<std::string_view> FindHeader(std::string_view name) const;
  /// Empty when there is none.
  std::string_view Parameter(std::string_view name) const;
  std::string_view QueryValue(std::string_view name) const;
};

/// Hands on a piece of an answer. False: nobody takes it any more.
using Sink = std::function<bool(std::string_view)>;

struct Answer {
  int status = 200;
  std::string content_type{};
  std::string body{};
  std::vector<Header> headers{};
  /// In place of `body`: called once with where the pieces go, for what is large or has no end yet
  /// (server-sent events). Each piece has the time of an answer. False: the answer is cut off.
  std::function<bool(const Sink&)> stream{};
  /// How long what `stream` gives is, where that is known.
  std::optional<std::uint64_t> stream_bytes{};
};

/// In plain text, not to be kept by caches.
Answer PlainRefusal(int status, std::string_view why);

}  // namespace spoor::http

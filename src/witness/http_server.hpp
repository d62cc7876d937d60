// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spoor::witness {

struct HttpAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string cache_control;  ///< of RFC 9111
};

/// A small HTTP/1.1 server for strangers: a fixed number of connections at a time, each request
/// bounded in bytes and in time from its first byte to the last, no compressed or chunked bodies,
/// no ranges. Answers GET and HEAD, and POST at one path.
class HttpServer {
 public:
  struct Options {
    std::string address{};
    int port = 0;                         ///< 0: any free one
    std::size_t connections_max = 32;     ///< served at once; others wait
    std::size_t body_bytes_max = 0;       ///< of a POST
    std::filesystem::path certificate{};  ///< PEM chain; empty: plain HTTP
    std::filesystem::path private_key{};  ///< PEM
  };
  /// Both are called from several threads. `path` is decoded, without the query.
  struct Routes {
    std::function<HttpAnswer(std::string_view path)> get;
    std::string post_path;  ///< empty: no POST
    std::function<HttpAnswer(std::string_view body)> post;
  };

  virtual ~HttpServer() = default;
  /// Serves on threads of its own until Stop. Fails: kUnavailable (the address), kCorrupt,
  /// kNotFound (certificate or key).
  static Result<std::unique_ptr<HttpServer>> Start(const Options& options, Routes routes);
  virtual int port() const = 0;
  virtual void Stop() = 0;
};

}  // namespace spoor::witness

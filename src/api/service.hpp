// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "http/tls.hpp"

namespace spoor::api {

/// The API and the pages over one store, with all that they keep.
class Service {
 public:
  struct Options {
    std::string store;            ///< folder
    std::filesystem::path state;  ///< analysts, audit trail and pins; made where there is none
    std::filesystem::path pages;  ///< the built UI
    std::string address;
    int port = 0;                        ///< 0: any free one
    http::ContextPointer tls = nullptr;  ///< null: plain HTTP
    bool everybody = false;              ///< see Access::Options
    bool live = false;                   ///< evidence is written and ingested meanwhile
    /// A question has at least that long, also to wait for others.
    std::chrono::milliseconds time_max{10'000};
    std::string version;
    /// One sentence on what is done or fails beside the answers; may be empty.
    std::function<void(const std::string&)> tell{};
  };
  virtual ~Service() = default;
  /// Serves on threads of its own until Stop. Fails: kUnavailable (the address), kIo, kCorrupt.
  static Result<std::unique_ptr<Service>> Start(Options options);
  virtual int port() const = 0;
  /// Empty where there are analysts, or nobody signs in.
  virtual std::string set_up_token() const = 0;
  virtual void Stop() = 0;
};

}  // namespace spoor::api

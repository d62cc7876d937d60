// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/json.hpp"
#include "base/result.hpp"

namespace spoor::api {

/// What analysts pinned and noted, in one file that is replaced as a whole. Safe from any thread.
class Pins {
 public:
  /// What an analyst writes: subject, wall_ns, title and text, as openapi.yaml has them.
  struct Content {
    Json subject, wall_ns, title, text;
    /// Fails: kInvalidArgument (a member is missing, of another type, or too long).
    static Result<Content> Parse(const std::string& body);
  };

  /// Fails: kIo, kCorrupt.
  static Result<std::unique_ptr<Pins>> Open(std::filesystem::path file);
  /// By the time of their making.
  Json All() const;
  /// Fails: kInvalidArgument (there are too many), kIo.
  Result<Json> Add(const Content& content, const std::string& user);
  /// Fails: kNotFound, kUnavailable (its revision is another one), kIo.
  Result<Json> Change(const std::string& pin_id, std::int64_t revision, const Content& content,
                      const std::string& user);
  /// What is not there is no failure. Fails: kIo.
  Result<> Remove(const std::string& pin_id);

 private:
  explicit Pins(std::filesystem::path file) : file_(std::move(file)) {}
  Result<> Save(const std::vector<Json>& pins, std::int64_t last_number) const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::int64_t last_number_ = 0;
  std::vector<Json> pins_;
};

}  // namespace spoor::api

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"

namespace spoor::api {

/// What analysts looked at and did, a JSON object a line, in a file that is only ever appended to.
/// Each line holds the SHA-256 of the line before, so that a line that was changed or taken out
/// shows. Safe from any thread.
class AuditTrail {
 public:
  /// Goes on behind what the file has. Fails: kIo, kCorrupt.
  static Result<std::unique_ptr<AuditTrail>> Open(const std::filesystem::path& file);

  struct Entry {
    std::string user;     ///< empty: nobody was signed in
    std::string address;  ///< of whom
    std::string method;
    std::string target;  ///< path and query
    int status = 0;      ///< of the answer
  };
  /// Fails: kIo.
  Result<> Add(const Entry& entry);

 private:
  AuditTrail(std::filesystem::path path, FileDescriptor file, std::string last_sha256)
      : path_(std::move(path)), file_(std::move(file)), last_sha256_(std::move(last_sha256)) {}
  const std::filesystem::path path_;
  std::mutex mutex_;
  FileDescriptor file_;
  std::string last_sha256_;
};

}  // namespace spoor::api

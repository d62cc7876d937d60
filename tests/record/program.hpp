// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace spoor {

/// A program with its output in files; ended with its process group when it goes out of scope.
class RunningProgram {
 public:
  RunningProgram(const std::vector<std::string>& words, const std::filesystem::path& output_folder);
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  ~RunningProgram();

  pid_t pid() const { return pid_; }
  void Signal(int signal_number) const;
  /// Waits for its end; the exit code, or -signal.
  int Wait();
  bool HasEnded();
  std::string Stdout() const;
  std::string Stderr() const;

 private:
  std::filesystem::path output_folder_;
  pid_t pid_;
  bool ended_ = false;
  int exit_code_ = 0;
};

/// A folder for one test, removed at its end.
class TestFolder {
 public:
  TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct FinishedProgram {
  int exit_code = 0;
  std::string out, err;
};
FinishedProgram RunProgram(const std::vector<std::string>& words);

/// What the evidence of a store says.
struct StoredRecordings {
  std::vector<event::Event> events;  ///< of all recordings, one behind the other
  std::size_t recording_count = 0;
  std::size_t closed_count = 0;  ///< that came to their own end
  std::uint64_t malformed_count = 0;
  std::uint64_t entry_count = 0;
};
/// Verifies the whole log of the store, then decodes it.
Result<StoredRecordings> VerifyAndDecode(const std::filesystem::path& store);

}  // namespace spoor

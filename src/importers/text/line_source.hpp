// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "event/event_source.hpp"

namespace spoor::importers {

/// What a line of a log may be long; of longer ones nothing is read, and they are malformed.
inline constexpr std::size_t kLogLineBytesMax = 1 << 20;

/// A log that is read line by line: a line that cannot be read is counted, and the next is read.
/// Memory: one line.
class LineSource : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) final;
  Result<> Finish(event::Findings& findings) final;
  event::SourceCounts counts() const final { return counts_; }

 protected:
  enum class Line {
    kRead,
    kMalformed,
    kNotDecoded,  ///< of a kind that is not read
    kNoYear,      ///< its time has no year and none was given: nothing of the file is read
    kNoDate,      ///< likewise no date
  };
  /// `line`: without its line end, never empty, valid during the call.
  virtual Line TakeLine(std::string_view line, event::Findings& findings) = 0;
  /// There are no more lines.
  virtual void End(event::Findings& findings) { static_cast<void>(findings); }
  /// A record that was taken as read turns out not to be.
  void CountMalformed();

 private:
  Result<> Take(std::string_view line, event::Findings& findings);

  event::SourceCounts counts_;
  std::string held_;       // the beginning of a line that is not complete yet
  bool overlong_ = false;  // and it is longer than allowed
};

}  // namespace spoor::importers

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "report/story.hpp"
#include "store/store.hpp"

namespace spoor::analysis {

/// What a story is about, as users name it: a session (its id, or a process in it) or a process.
/// Neither: the most suspicious session.
struct StorySubject {
  std::string session{};
  std::string process{};
};

struct ToldStory {
  std::optional<report::Story> story;  ///< nothing: no session looks like a break-in
  bool has_gaps = false;               ///< then: whether the record has gaps besides payload
};

/// `store_words`: see report::StoryOptions. Fails as report::Tell, and where no such thing is.
Result<ToldStory> TellStory(store::Store& store, const StorySubject& subject,
                            const std::string& store_words);

}  // namespace spoor::analysis

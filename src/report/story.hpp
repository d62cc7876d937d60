// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

/// What happened, told in plain sentences from the questions and the causal graph.
namespace spoor::report {

/// One sentence, and where to go on from it. Names from the record are marked in `text` (text.hpp).
struct Fact {
  std::string text = {};
  std::optional<std::int64_t> wall_ns = {};  ///< when, where the fact has a moment
  std::string id_kind = {};  ///< "process", "session", "flow", "object", "event", or empty
  std::int64_t id = 0;
};

struct Section {
  std::string name;  ///< "entry", "hole" …: the key in JSON
  std::string title = {};
  std::vector<Fact> facts = {};
  std::vector<std::string> lines = {};  ///< shown as they are: visible text only
};

struct Story {
  std::string title;
  std::vector<Section> sections;
  bool incomplete = false;  ///< something other than payload was lost while it happened
};

struct StoryOptions {
  /// What the story is about: a session, or a process (its session, else its tree). Neither: the
  /// most suspicious session.
  std::optional<std::int64_t> session_id, process_id;
  std::string store_words;  ///< what commands need to find the store: "" or "--store X "
};

/// Nothing where no session was asked for and none is suspicious. The query library must be defined
/// on `store`. Fails: kNotFound (no such session or process), and as the store does.
Result<std::optional<Story>> Tell(store::Store& store, const StoryOptions& options);

std::string RenderMarkdown(const Story& story);
/// One JSON object a line: section, text, and wall_ns and id where the fact has them; the lines of
/// a section one by one.
std::string RenderJson(const Story& story);

}  // namespace spoor::report

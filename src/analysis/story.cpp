// SPDX-License-Identifier: Apache-2.0
#include "analysis/story.hpp"

#include "queries/library.hpp"
#include "schema/loss_class.hpp"
#include "store/lookup.hpp"

namespace spoor::analysis {

Result<ToldStory> TellStory(store::Store& store, const StorySubject& subject,
                            const std::string& store_words) {
  report::StoryOptions options;
  options.store_words = store_words;
  if (!subject.session.empty()) {
    ASSIGN_OR_RETURN(options.session_id, queries::FindSession(store, subject.session));
  } else if (!subject.process.empty()) {
    ASSIGN_OR_RETURN(options.process_id, store::FindProcess(store, subject.process));
  }
  ToldStory told;
  ASSIGN_OR_RETURN(told.story, report::Tell(store, options));
  if (told.story) return told;
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> gaps,
      store::ReadIntegers(store, "SELECT count(*) FROM gap WHERE " + schema::EventsAreMissingSql(),
                          {}));
  told.has_gaps = !gaps.empty() && gaps.front() > 0;
  return told;
}

}  // namespace spoor::analysis

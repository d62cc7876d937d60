// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/wall_time_text.hpp"
#include "report/story.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

/// A code block fence longer than any run of backticks in `lines`.
std::string FenceFor(const std::vector<std::string>& lines) {
  std::size_t longest = 2;
  for (const std::string& line : lines) {
    std::size_t run = 0;
    for (const char c : line) {
      run = c == '`' ? run + 1 : 0;
      longest = std::max(longest, run);
    }
  }
  return std::string(longest + 1, '`');
}

std::string RenderFact(const Fact& fact) {
  std::string line = "- ";
  if (fact.wall_ns) line += Moment(*fact.wall_ns) + " — ";
  line += Markdown(fact.text);
  if (!fact.id_kind.empty()) line += fmt::format(" [{} {}]", fact.id_kind, fact.id);
  return line + "\n";
}

std::string RenderJsonLine(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string RenderMarkdown(const Story& story) {
  std::string text = "# " + Markdown(story.title) + "\n\nAll times are UTC.\n";
  for (const Section& section : story.sections) {
    text += "\n## " + section.title + "\n\n";
    for (const Fact& fact : section.facts) text += RenderFact(fact);
    if (section.lines.empty()) continue;
    const std::string fence = FenceFor(section.lines);
    text += (section.facts.empty() ? "" : "\n") + fence + "text\n";
    for (const std::string& line : section.lines) text += line + "\n";
    text += fence + "\n";
  }
  return text;
}

std::string RenderJson(const Story& story) {
  std::string text;
  for (const Section& section : story.sections) {
    for (const Fact& fact : section.facts) {
      nlohmann::ordered_json object{{"section", section.name}, {"text", Plain(fact.text)}};
      if (fact.wall_ns) {
        object["wall_ns"] = *fact.wall_ns;
        object["time"] = WallTimeText(*fact.wall_ns);
      }
      if (!fact.id_kind.empty()) object[fact.id_kind + "_id"] = fact.id;
      text += RenderJsonLine(object);
    }
    for (const std::string& line : section.lines)
      text += RenderJsonLine({{"section", section.name}, {"line", line}});
  }
  return text;
}

}  // namespace spoor::report

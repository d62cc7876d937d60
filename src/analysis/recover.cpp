// SPDX-License-Identifier: Apache-2.0
#include "analysis/recover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "contents/copy.hpp"
#include "contents/file_type.hpp"
#include "event/event_text.hpp"
#include "queries/library.hpp"
#include "store/row.hpp"

namespace spoor::analysis {
namespace {

using contents::Act;

/// Since when nothing that was not seen before can matter: the file was made or emptied then.
class KnownSince {
 public:
  explicit KnownSince(const contents::NamedFile& file)
      : wall_ns_(file.from_wall_ns.value_or(INT64_MIN)) {}

  /// The acts that follow those taken before.
  void Take(std::span<const Act> acts) {
    if (!begun_ && !acts.empty()) wall_ns_ = std::min(wall_ns_, acts.front().wall_ns);
    begun_ = begun_ || !acts.empty();
    for (const Act& act : acts) {
      if (act.kind == Act::Kind::kResize && act.size_bytes == 0) wall_ns_ = act.wall_ns;
    }
  }
  std::int64_t wall_ns() const { return wall_ns_; }

 private:
  std::int64_t wall_ns_;
  bool begun_ = false;
};

Result<std::string> ProcessName(store::Store& store, std::optional<std::int64_t> process_id) {
  std::string name;
  if (!process_id) return name;
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(store.Narrow("process", "process_id", {*process_id}));
  RETURN_IF_ERROR(store::ForEachRow(
      store, "SELECT coalesce(name, executable, '?'), pid FROM process WHERE process_id = $1",
      {*process_id}, [&name](const std::vector<store::Value>& row) {
        name = fmt::format("{}[{}]", store::TextOf(row[0]), store::IntegerOf(row[1]).value_or(0));
      }));
  return name;
}

/// What `recovered` says of its bytes.
Result<> DescribeBytes(const contents::Journal& journal, bool hash, RecoveredFile& recovered) {
  if (hash) {
    ASSIGN_OR_RETURN(recovered.sha256, contents::Sha256Of(recovered.image, journal));
  }
  ASSIGN_OR_RETURN(const std::string begin,
                   contents::BeginOf(recovered.image, journal, contents::kTypeBytesMax));
  recovered.type = contents::FileTypeOf(begin);
  return {};
}

std::string Listed(const std::vector<contents::NamedFile>& files) {
  std::string list;
  for (const contents::NamedFile& file : files) {
    list += fmt::format("{} {} on {} ({} to {})", list.empty() ? "" : ",", file.object_id,
                        VisibleText(file.host), WallTimeText(file.from_wall_ns.value_or(INT64_MIN)),
                        WallTimeText(file.until_wall_ns.value_or(INT64_MAX)));
  }
  return list;
}

}  // namespace

Result<std::vector<Gap>> GapsOf(store::Store& store, std::string_view host,
                                std::int64_t from_wall_ns, std::int64_t until_wall_ns) {
  ASSIGN_OR_RETURN(std::vector<Gap> gaps,
                   GapsIn(store, {.from_wall_ns = from_wall_ns, .until_wall_ns = until_wall_ns}));
  // '?': not known where, or everywhere.
  std::erase_if(gaps, [host](const Gap& gap) {
    return !host.empty() && gap.host != host && gap.host != "?";
  });
  return gaps;
}

Result<FoundFile> FindFileAt(store::Store& store, std::string_view what, std::string_view host,
                             std::optional<std::int64_t> at_wall_ns) {
  ASSIGN_OR_RETURN(std::vector<contents::NamedFile> files, contents::FilesNamed(store, what, host));
  std::set<std::string> hosts;
  for (const contents::NamedFile& file : files) hosts.insert(file.host);
  if (files.empty()) {
    return Fail(ErrorCode::kNotFound, "no file '{}' in the record{}{}", VisibleText(what),
                host.empty() ? "" : " of host ", VisibleText(host));
  }
  if (hosts.size() > 1) {
    return Fail(ErrorCode::kInvalidArgument, "{} was on several hosts, choose one with --host: {}",
                VisibleText(what), fmt::join(hosts, ", "));
  }
  const std::vector<contents::NamedFile> all = files;
  if (at_wall_ns) {
    std::erase_if(files,
                  [&](const contents::NamedFile& file) { return !file.HadNameAt(*at_wall_ns); });
  }
  if (files.empty()) {
    return Fail(ErrorCode::kNotFound, "nothing was seen under the name {} at {}; at other times:{}",
                VisibleText(what), WallTimeText(*at_wall_ns), Listed(all));
  }
  FoundFile found{.file = files.back(), .others = {}};
  // Without a time: when it last had the name. As it got it, one that it replaced may seem to have
  // had it for some ns more, for a wall clock is corrected between two events.
  const std::int64_t then = at_wall_ns.value_or(found.file.until_wall_ns.value_or(INT64_MAX) - 1);
  for (const contents::NamedFile& file : files) {
    if (file.object_id != found.file.object_id && file.HadNameAt(then)) {
      found.others.push_back(file);
    }
  }
  return found;
}

Result<FileBytes> Recover(store::Store& store, const contents::NamedFile& file,
                          std::optional<std::int64_t> at_wall_ns) {
  ASSIGN_OR_RETURN(const std::vector<Act> acts,
                   contents::LoadActs(store, file.object_id, {.until_wall_ns = at_wall_ns}));
  contents::VersionWalk walk(acts);
  bool any = false;
  while (walk.Next()) any = true;
  if (!any || (!walk.version().process_id && walk.image().known_bytes() == 0)) {
    return Fail(ErrorCode::kNotFound, "no call was recorded{} that says what {} (object {}) held",
                at_wall_ns ? " until then" : "", VisibleText(file.path), file.object_id);
  }
  ASSIGN_OR_RETURN(contents::Journal journal,
                   contents::Journal::Fetch(store, file.object_id, acts, &walk.image()));
  FileBytes bytes{.recovered = {}, .journal = std::move(journal)};
  bytes.recovered.file = file;
  bytes.recovered.version = walk.version();
  bytes.recovered.image = walk.image();
  bytes.recovered.at_wall_ns = acts.back().wall_ns;
  ASSIGN_OR_RETURN(bytes.recovered.process, ProcessName(store, walk.version().process_id));
  RETURN_IF_ERROR(DescribeBytes(bytes.journal, true, bytes.recovered));
  KnownSince since(file);
  since.Take(acts);
  ASSIGN_OR_RETURN(bytes.recovered.gaps, GapsOf(store, file.host, since.wall_ns(),
                                                at_wall_ns.value_or(bytes.recovered.at_wall_ns)));
  return bytes;
}

Result<> ForEachVersion(store::Store& store, const contents::NamedFile& file,
                        std::int64_t hashed_bytes_max,
                        const std::function<void(const RecoveredFile&)>& take) {
  ASSIGN_OR_RETURN(const std::vector<Act> acts, contents::LoadActs(store, file.object_id));
  ASSIGN_OR_RETURN(const contents::Journal journal,
                   contents::Journal::Fetch(store, file.object_id, acts));
  // A log has as many versions as writers took turns: what is asked for is asked for once.
  std::map<std::int64_t, std::string> names;
  std::optional<std::vector<Gap>> gaps;
  KnownSince since(file);
  contents::VersionWalk walk(acts);
  for (std::size_t taken = 0; walk.Next(); taken = walk.act_count()) {
    RecoveredFile recovered;
    recovered.file = file;
    recovered.version = walk.version();
    recovered.image = walk.image();
    recovered.at_wall_ns = acts[walk.act_count() - 1].wall_ns;
    if (const std::optional<std::int64_t> process_id = recovered.version.process_id) {
      const auto [name, is_new] = names.try_emplace(*process_id);
      if (is_new) {
        ASSIGN_OR_RETURN(name->second, ProcessName(store, process_id));
      }
      recovered.process = name->second;
    }
    const bool hash = recovered.image.size_bytes() <= hashed_bytes_max;
    if (hash) hashed_bytes_max -= recovered.image.size_bytes();
    RETURN_IF_ERROR(DescribeBytes(journal, hash, recovered));
    since.Take(std::span(acts).subspan(taken, walk.act_count() - taken));
    if (!gaps) {
      const auto last = std::ranges::max_element(acts, {}, &Act::wall_ns);
      const auto first = std::ranges::min_element(acts, {}, &Act::wall_ns);
      ASSIGN_OR_RETURN(
          gaps, GapsOf(store, file.host, std::min(since.wall_ns(), first->wall_ns), last->wall_ns));
    }
    std::ranges::copy_if(*gaps, std::back_inserter(recovered.gaps), [&](const Gap& gap) {
      return gap.until_wall_ns >= since.wall_ns() && gap.from_wall_ns <= recovered.at_wall_ns;
    });
    take(recovered);
  }
  return {};
}

Result<std::vector<WrittenFile>> FilesWrittenBy(store::Store& store, std::string_view session) {
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  const store::Narrowed narrowed(store);
  ASSIGN_OR_RETURN(
      const std::string sql,
      library.RenderNarrowed("files_written", {{"session", std::string(session)}}, store, 0));
  std::vector<WrittenFile> files;
  std::set<std::int64_t> seen;
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      fmt::format(
          "SELECT object_id, max(last_wall_ns) AS last_wall_ns, arg_max(path, last_wall_ns), "
          "any_value(type), any_value(host) FROM ({}) WHERE object_id IS NOT NULL AND type "
          "IN ('file', 'memfd', 'path') GROUP BY object_id ORDER BY min(first_wall_ns), object_id",
          sql),
      {}, [&](const std::vector<store::Value>& row) {
        files.push_back({.file = {.object_id = store::IntegerOf(row[0]).value_or(0),
                                  .host = store::TextOf(row[4]),
                                  .type = store::TextOf(row[3]),
                                  .path = store::TextOf(row[2])},
                         .last_wall_ns = store::IntegerOf(row[1]).value_or(0)});
      }));
  return files;
}

std::vector<std::string> NotesOn(const RecoveredFile& recovered) {
  std::vector<std::string> notes;
  const contents::Image& image = recovered.image;
  if (!image.has_known_end()) {
    notes.push_back("where the file ended is not recorded: it may have been longer");
  }
  if (image.could_be_mapped()) {
    notes.push_back(
        "it was opened for reading and writing: what may have been written through a shared "
        "mapping "
        "is not recorded");
  }
  if (image.IsWhole() && image.size_bytes() == 0) {
    notes.push_back(
        "nothing was seen to be written to it: a clone of another file (FICLONE) or fallocate is "
        "not "
        "recorded");
  }
  return notes;
}

nlohmann::ordered_json ToJson(const RecoveredFile& recovered) {
  using Json = nlohmann::ordered_json;
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? Json(*value) : Json();
  };
  Json holes = Json::array();
  for (const contents::Extent& extent : recovered.image.Extents()) {
    if (!contents::IsHole(extent.content)) continue;
    holes.push_back({{"from_bytes", extent.from_bytes},
                     {"until_bytes", extent.until_bytes},
                     {"reason", contents::NameOf(extent.content)}});
  }
  Json gaps = Json::array();
  for (const Gap& gap : recovered.gaps) {
    gaps.push_back({{"loss_class", gap.loss_class},
                    {"count", number(gap.count)},
                    {"reason", event::MakeUtf8(gap.reason)},
                    {"from_wall_ns", gap.from_wall_ns},
                    {"until_wall_ns", gap.until_wall_ns}});
  }
  Json notes = Json::array();
  for (const std::string& note : NotesOn(recovered)) notes.push_back(note);
  return {{"object_id", recovered.file.object_id},
          {"host", event::MakeUtf8(recovered.file.host)},
          {"path", event::MakeUtf8(recovered.file.path)},
          {"at_wall_ns", recovered.at_wall_ns},
          {"version", recovered.version.version},
          {"from_wall_ns", number(recovered.version.from_wall_ns)},
          {"until_wall_ns", number(recovered.version.until_wall_ns)},
          {"process_id", number(recovered.version.process_id)},
          {"process", text(event::MakeUtf8(recovered.process))},
          {"size_bytes", recovered.image.size_bytes()},
          {"known_bytes", recovered.image.known_bytes()},
          {"has_known_end", recovered.image.has_known_end()},
          {"whole", recovered.IsWhole()},
          {"sha256", text(recovered.sha256)},
          {"type", text(event::MakeUtf8(recovered.type))},
          {"holes", std::move(holes)},
          {"gaps", std::move(gaps)},
          {"notes", std::move(notes)}};
}

}  // namespace spoor::analysis

// SPDX-License-Identifier: Apache-2.0
#include "undo/bytes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/inside.hpp"
#include "contents/copy.hpp"
#include "contents/history.hpp"
#include "contents/image.hpp"
#include "store/sha256.hpp"
#include "undo/make_plan.hpp"

namespace spoor::undo {
namespace {

using contents::Act;
using contents::Extent;
using contents::Image;

constexpr std::size_t kActsMax = 2'000'000;

/// How many of the acts ended before the file was changed.
std::size_t CountBefore(const std::vector<Act>& acts, std::int64_t event_id, std::int64_t wall_ns) {
  const auto first = std::ranges::find_if(
      acts, [&](const Act& act) { return act.event_id >= event_id || act.wall_ns > wall_ns; });
  return static_cast<std::size_t>(first - acts.begin());
}

Image ImageOf(const std::vector<Act>& acts, std::size_t count) {
  Image image;
  for (std::size_t i = 0; i < count; ++i) image.Apply(acts[i]);
  return image;
}

std::string WhyNot(const Image& image) {
  for (const Extent& extent : image.Extents()) {
    if (!contents::IsHole(extent.content)) continue;
    return fmt::format("bytes {} to {}: {}", extent.from_bytes, extent.until_bytes,
                       contents::ReasonOf(extent.content));
  }
  return "where it ended is not recorded";
}

/// What an image says, all of it.
Result<Held> HeldBy(store::Store& store, std::int64_t object_id, const std::vector<Act>& acts,
                    const Image& image) {
  Held held{.kind = Held::Kind::kNotRecorded, .sha256 = {}, .why = {}};
  if (image.has_known_end()) held.size_bytes = image.size_bytes();
  if (!image.IsWhole()) {
    held.why = WhyNot(image);
    return held;
  }
  ASSIGN_OR_RETURN(const contents::Journal journal,
                   contents::Journal::Fetch(store, object_id, acts, &image));
  ASSIGN_OR_RETURN(held.sha256, contents::Sha256Of(image, journal));
  if (held.sha256.empty()) {
    held.why = "it is too long to be hashed";
  } else {
    held.kind = Held::Kind::kBytes;
  }
  return held;
}

/// Of what lies behind `from_bytes`; empty: not all of it is known.
Result<std::string> Sha256OfTail(store::Store& store, std::int64_t object_id,
                                 const std::vector<Act>& acts, const Image& image,
                                 std::int64_t from_bytes) {
  ASSIGN_OR_RETURN(const contents::Journal journal,
                   contents::Journal::Fetch(store, object_id, acts, &image));
  store::Sha256Stream hash;
  bool whole = true;
  RETURN_IF_ERROR(contents::ReadImage(image, journal, from_bytes, image.size_bytes(),
                                      [&](const Extent&, std::string_view bytes) {
                                        whole = !bytes.empty();
                                        hash.Add(AsBytes(bytes));
                                        return whole;
                                      }));
  return whole ? hash.Finish() : std::string();
}

}  // namespace

Result<BytesAnswer> BytesOf(store::Store& store, const BytesQuestion& question,
                            const std::function<bool(std::int64_t)>& is_actor) {
  ASSIGN_OR_RETURN(const std::vector<Act> acts,
                   contents::LoadActs(store, question.object_id, {.acts_max = kActsMax}));
  BytesAnswer answer;
  const std::size_t before = CountBefore(acts, question.first_event_id, question.first_wall_ns);
  if (question.was_there) {
    ASSIGN_OR_RETURN(answer.before, HeldBy(store, question.object_id, acts, ImageOf(acts, before)));
    answer.before.at_wall_ns = question.first_wall_ns - 1;
    // That nothing was seen of it does not say that it was empty.
    if (before == 0) {
      answer.before = {.kind = Held::Kind::kNotRecorded,
                       .sha256 = {},
                       .why = "no call was recorded before that says what it held"};
    }
  }
  const auto others = std::find_if(
      acts.begin() + static_cast<std::ptrdiff_t>(before), acts.end(), [&](const Act& act) {
        return !is_actor(act.process_id) &&
               (act.kind == Act::Kind::kWrite || act.kind == Act::Kind::kResize);
      });
  const Image left = ImageOf(acts, static_cast<std::size_t>(others - acts.begin()));
  ASSIGN_OR_RETURN(answer.left, HeldBy(store, question.object_id, acts, left));
  if (question.appended_at_bytes && answer.before.kind != Held::Kind::kBytes) {
    answer.before.kind = Held::Kind::kPart;
    answer.before.size_bytes = question.appended_at_bytes;
    answer.left.size_bytes = left.size_bytes();  // what is appended ends the file
    ASSIGN_OR_RETURN(answer.before.sha256, Sha256OfTail(store, question.object_id, acts, left,
                                                        *question.appended_at_bytes));
  }
  return answer;
}

Result<> WriteBefore(store::Store& store, const Change& change,
                     const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const std::vector<Act> acts,
                   contents::LoadActs(store, change.before_object_id, {.acts_max = kActsMax}));
  const Image image =
      ImageOf(acts, CountBefore(acts, change.before_event_id, change.before.at_wall_ns + 1));
  ASSIGN_OR_RETURN(const contents::Journal journal,
                   contents::Journal::Fetch(store, change.before_object_id, acts, &image));
  const std::filesystem::path path = folder / change.before.sha256;
  if (ExistsInside(folder, path)) return {};
  ASSIGN_OR_RETURN(const FileDescriptor file,
                   OpenInside(folder, path, O_WRONLY | O_CREAT | O_EXCL));
  Result<> done = contents::WriteImage(image, journal, file.get(), path.string());
  if (done && ::fsync(file.get()) != 0) done = FailErrno(errno, "{}: cannot write", path.string());
  if (!done) (void)RemoveInside(folder, path);
  return done;
}

}  // namespace spoor::undo

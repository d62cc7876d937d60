// SPDX-License-Identifier: Apache-2.0
#include "api/pins.hpp"

#include <algorithm>

#include "api/parameters.hpp"
#include "base/exists.hpp"
#include "base/file.hpp"
#include "base/time.hpp"

namespace spoor::api {
namespace {

constexpr std::uint64_t kFileBytesMax = 256 << 20;
constexpr std::size_t kPinsMax = 2'000;
constexpr std::size_t kSubjectBytesMax = 1024;
constexpr std::size_t kTitleBytesMax = 1024;
constexpr std::size_t kTextBytesMax = 64 << 10;

Json PinOf(const Pins::Content& content, const std::string& pin_id, std::int64_t revision,
           const std::string& user) {
  return {{"subject", content.subject},
          {"wall_ns", content.wall_ns},
          {"title", content.title},
          {"text", content.text},
          {"pin_id", pin_id},
          {"revision", revision},
          {"user", user},
          {"changed_wall_ns", Exact(WallNow())}};
}

auto Named(const std::string& pin_id) {
  return [&pin_id](const Json& pin) { return pin["pin_id"] == pin_id; };
}

}  // namespace

Result<Pins::Content> Pins::Content::Parse(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return Fail(ErrorCode::kInvalidArgument, "the body must be an object");
  const auto text = [&json](const char* name, std::size_t bytes_max, bool or_null) -> Result<Json> {
    const auto found = json.find(name);
    if (found != json.end() && or_null && found->is_null()) return Json();
    if (found != json.end() && found->is_string() &&
        found->get_ref<const std::string&>().size() <= bytes_max) {
      return *found;
    }
    return Fail(ErrorCode::kInvalidArgument, "{} must be a text of at most {} bytes", name,
                bytes_max);
  };
  Content content;
  ASSIGN_OR_RETURN(content.subject, text("subject", kSubjectBytesMax, true));
  ASSIGN_OR_RETURN(content.wall_ns, text("wall_ns", 20, true));
  ASSIGN_OR_RETURN(content.title, text("title", kTitleBytesMax, false));
  ASSIGN_OR_RETURN(content.text, text("text", kTextBytesMax, false));
  if (content.wall_ns.is_string() && !WholeNumber(content.wall_ns.get<std::string>())) {
    return Fail(ErrorCode::kInvalidArgument, "wall_ns must be a whole number, as text");
  }
  return content;
}

Result<std::unique_ptr<Pins>> Pins::Open(std::filesystem::path file) {
  std::unique_ptr<Pins> pins(new Pins(std::move(file)));
  ASSIGN_OR_RETURN(const bool there, Exists(pins->file_));
  if (!there) return pins;
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(pins->file_, kFileBytesMax));
  const Json json = Json::parse(text, nullptr, false);
  bool good = json.is_object() && json.contains("last_number") &&
              json["last_number"].is_number_integer() && json.contains("pins") &&
              json["pins"].is_array();
  for (std::size_t i = 0; good && i < json["pins"].size(); ++i) {
    const Json& pin = json["pins"][i];
    good = pin.is_object() && pin.contains("pin_id") && pin["pin_id"].is_string() &&
           pin.contains("revision") && pin["revision"].is_number_integer() &&
           pin.contains("title") && pin.contains("text") && pin.contains("subject");
    if (good) pins->pins_.push_back(pin);
  }
  if (!good) return Fail(ErrorCode::kCorrupt, "{}: not a list of pins", pins->file_.string());
  pins->last_number_ = json["last_number"].get<std::int64_t>();
  return pins;
}

Result<> Pins::Save(const std::vector<Json>& pins, std::int64_t last_number) const {
  return WriteFileAtomically(file_, AsBytes(Dump({{"last_number", last_number}, {"pins", pins}})),
                             0600);
}

Json Pins::All() const {
  const std::scoped_lock lock(mutex_);
  return pins_;
}

// What is in memory changes only after the file did.
Result<Json> Pins::Add(const Content& content, const std::string& user) {
  const std::scoped_lock lock(mutex_);
  if (pins_.size() >= kPinsMax) {
    return Fail(ErrorCode::kInvalidArgument, "there are {} pins: remove some", kPinsMax);
  }
  std::vector<Json> pins = pins_;
  pins.push_back(PinOf(content, std::to_string(last_number_ + 1), 1, user));
  RETURN_IF_ERROR(Save(pins, last_number_ + 1));
  ++last_number_;
  pins_ = std::move(pins);
  return pins_.back();
}

Result<Json> Pins::Change(const std::string& pin_id, std::int64_t revision, const Content& content,
                          const std::string& user) {
  const std::scoped_lock lock(mutex_);
  std::vector<Json> pins = pins_;
  const auto pin = std::ranges::find_if(pins, Named(pin_id));
  if (pin == pins.end()) return Fail(ErrorCode::kNotFound, "there is no pin {}", pin_id);
  if ((*pin)["revision"] != revision) {
    return Fail(ErrorCode::kUnavailable, "the pin was changed meanwhile: read it again");
  }
  *pin = PinOf(content, pin_id, revision + 1, user);
  Json changed = *pin;
  RETURN_IF_ERROR(Save(pins, last_number_));
  pins_ = std::move(pins);
  return changed;
}

Result<> Pins::Remove(const std::string& pin_id) {
  const std::scoped_lock lock(mutex_);
  std::vector<Json> pins = pins_;
  if (std::erase_if(pins, Named(pin_id)) == 0) return {};
  RETURN_IF_ERROR(Save(pins, last_number_));
  pins_ = std::move(pins);
  return {};
}

}  // namespace spoor::api

// SPDX-License-Identifier: Apache-2.0
#include "api/event_hub.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "api/parameters.hpp"
#include "base/time.hpp"

namespace spoor::api {
namespace {

constexpr std::size_t kEventsKept = 2000;

}  // namespace

EventHub::EventHub() : begin_(fmt::format("{:x}", WallNow())) {}

void EventHub::Publish(const std::string& name, const std::string& data, std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  PublishLocked(name, data, generation);
}

void EventHub::PublishLocked(const std::string& name, const std::string& data,
                             std::uint64_t generation) {
  events_.push_back(
      {.number = ++last_number_, .name = name, .data = data, .generation = generation});
  if (events_.size() > kEventsKept) events_.pop_front();
  changed_.notify_all();
}

Result<> EventHub::Compare(Snapshot& snapshot, store::Store& store) {
  ASSIGN_OR_RETURN(const auto alerts, snapshot.alerts(store));
  ASSIGN_OR_RETURN(const auto sessions, snapshot.sessions(store));
  ASSIGN_OR_RETURN(const Json gaps, ReadObjects(store, kGapSql));
  ASSIGN_OR_RETURN(const Json span, ReadObject(store, kSpanSql));
  const std::uint64_t generation = snapshot.generation();
  const std::scoped_lock lock(mutex_);
  for (auto alert = alerts->list.rbegin(); alert != alerts->list.rend(); ++alert) {
    if (alerts_.insert(alert->key).second && compared_) {
      PublishLocked("alert", Dump(alert->json), generation);
    }
  }
  for (const SessionEntry& session : sessions->list) {
    if (!session.json["interactive"].get<bool>()) continue;
    if (typed_in_.insert(session.session_id).second && compared_) {
      Json input = Json::object();
      for (const char* const name : {"session_id", "host_id", "host", "entry_source_ip",
                                     "processes", "became_root", "commands"}) {
        input[name] = session.json[name];
      }
      PublishLocked("session", Dump(input), generation);
    }
  }
  for (const Json& gap : gaps) {
    if (gaps_.insert(Dump(gap)).second && compared_) PublishLocked("gap", Dump(gap), generation);
  }
  if (compared_) {
    PublishLocked("stored", Dump({{"last_wall_ns", span["last_wall_ns"]}}), generation);
  }
  compared_ = generation;
  return {};
}

void EventHub::TellAlert(const std::string& key, const Json& alert, std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (alerts_.insert(key).second) PublishLocked("alert", Dump(alert), generation);
}

void EventHub::TellFirstInput(std::int64_t session_id, const Json& input,
                              std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  if (typed_in_.insert(session_id).second) PublishLocked("session", Dump(input), generation);
}

std::optional<std::uint64_t> EventHub::compared_generation() const {
  const std::scoped_lock lock(mutex_);
  return compared_;
}

bool EventHub::KnowsInputOf(std::int64_t session_id) {
  const std::scoped_lock lock(mutex_);
  return typed_in_.contains(session_id);
}

std::optional<EventHub::Event> EventHub::Next(std::uint64_t number,
                                              std::chrono::milliseconds wait_max) {
  std::unique_lock lock(mutex_);
  const auto there = [&] { return last_number_ > number && !events_.empty(); };
  if (!changed_.wait_for(lock, wait_max, there)) return std::nullopt;
  for (const Event& event : events_) {
    if (event.number > number) return event;
  }
  return std::nullopt;
}

std::string EventHub::IdOf(std::uint64_t number) const {
  return fmt::format("{}-{}", begin_, number);
}

std::optional<std::uint64_t> EventHub::NumberOf(std::string_view id) const {
  if (!id.starts_with(begin_) || !id.substr(begin_.size()).starts_with('-')) return std::nullopt;
  const std::optional<std::int64_t> number = WholeNumber(id.substr(begin_.size() + 1));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::uint64_t EventHub::GenerationOf(std::string_view id) const {
  const std::optional<std::uint64_t> number = NumberOf(id);
  if (!number) return 0;
  const std::scoped_lock lock(mutex_);
  std::uint64_t generation = 0;
  for (const Event& event : events_) {
    if (event.number <= *number) generation = std::max(generation, event.generation);
  }
  return generation;
}

std::uint64_t EventHub::last_number() const {
  const std::scoped_lock lock(mutex_);
  return last_number_;
}

}  // namespace spoor::api

// SPDX-License-Identifier: Apache-2.0
#include "api/event_hub.hpp"

#include <fmt/format.h>

#include <chrono>

#include "api/parameters.hpp"
#include "base/time.hpp"

namespace spoor::api {
namespace {

constexpr std::size_t kEventsKept = 2000;

}  // namespace

EventHub::EventHub() : begin_(fmt::format("{:x}", WallNow())) {}

void EventHub::Publish(const std::string& name, const std::string& data) {
  {
    const std::scoped_lock lock(mutex_);
    events_.push_back({.number = ++last_number_, .name = name, .data = data});
    if (events_.size() > kEventsKept) events_.pop_front();
  }
  changed_.notify_all();
}

Result<> EventHub::Compare(Snapshot& snapshot, store::Store& store) {
  ASSIGN_OR_RETURN(const auto alerts, snapshot.alerts(store));
  ASSIGN_OR_RETURN(const auto sessions, snapshot.sessions(store));
  ASSIGN_OR_RETURN(const Json gaps, ReadObjects(store, kGapSql));
  ASSIGN_OR_RETURN(const Json span, ReadObject(store, kSpanSql));
  for (auto alert = alerts->list.rbegin(); alert != alerts->list.rend(); ++alert) {
    if (alerts_.insert(alert->key).second && compared_) Publish("alert", Dump(alert->json));
  }
  for (const SessionEntry& session : sessions->list) {
    if (!session.json["interactive"].get<bool>()) continue;
    if (typed_in_.insert(session.session_id).second && compared_) {
      Publish("session", Dump(session.json));
    }
  }
  for (const Json& gap : gaps) {
    if (gaps_.insert(Dump(gap)).second && compared_) Publish("gap", Dump(gap));
  }
  if (compared_) Publish("stored", Dump({{"last_wall_ns", span["last_wall_ns"]}}));
  compared_ = true;
  return {};
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

std::uint64_t EventHub::last_number() const {
  const std::scoped_lock lock(mutex_);
  return last_number_;
}

}  // namespace spoor::api

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "event/event_source.hpp"
#include "importers/host_processes.hpp"
#include "importers/sebek/sebek_order.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Turns records of Sebek into events of the hosts that sent them, each named by its address:
/// reads, writes, opened files and calls on sockets, forks (version 3), and the processes with
/// their parents and names. What a descriptor is of which no record tells stays an object of
/// unknown type. Counters that are missing become losses. Memory: kSendersMax senders,
/// kDescriptorsMax descriptors, and the processes. Not thread-safe.
class SebekTranslator {
 public:
  static constexpr std::size_t kSendersMax = 1024;
  static constexpr std::size_t kDescriptorsMax = 1 << 18;

  explicit SebekTranslator(const ImportOptions& options) : options_(options) {}

  void Take(const SebekRecord& record, event::Findings& findings);
  void Finish(event::Findings& findings);

 private:
  struct Sender {
    SebekOrder order;
    bool is_windows = false;
  };
  struct Known {
    std::uint32_t parent_pid = 0;
    std::string command;
  };
  using ProcessAt = std::pair<std::string, std::uint32_t>;                    // host, pid
  using DescriptorAt = std::tuple<std::string, std::uint32_t, std::int32_t>;  // …, fd
  struct Opened {
    std::uint32_t inode = 0;
    event::ObjectKey object;
    std::string path;
  };

  void Tell(const HeldRecord& held, bool is_windows, event::Findings& findings);
  void TellLoss(const std::string& host, const SebekOrder::Loss& loss, event::Findings& findings);
  /// The process of the record, told of if that was not done yet.
  event::ProcessKey ProcessOf(const event::Event& begun, const SebekRecord& record,
                              event::Findings& findings);
  void FillData(const HeldRecord& held, event::Event& event) const;
  bool FillSocket(const HeldRecord& held, event::Event& event);
  void FillOpen(const HeldRecord& held, event::Event& event);
  const Opened* FindOpened(const SebekRecord& record) const;
  void Remember(const SebekRecord& record, event::ObjectKey object, std::string path);
  SebekOrder::Visit Visitor(Sender& sender, const std::string& host, event::Findings& findings);

  const ImportOptions options_;
  HostProcesses processes_;
  std::map<std::string, Sender> senders_;  // by address
  std::map<ProcessAt, Known> known_;
  std::map<DescriptorAt, Opened> opened_;
};

}  // namespace spoor::importers

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "capture/capture_recorder.hpp"
#include "capture/own_connections.hpp"
#include "programs/destination.hpp"
#include "programs/flow_options.hpp"

namespace spoor::programs {

/// The packets of interfaces, recorded beside what happens on the host.
class LivePackets {
 public:
  struct Options {
    std::vector<std::string> interfaces;
    std::string filter;
    std::uint32_t snapshot_bytes = 262144;
    std::uint64_t buffer_bytes = 16 << 20;
    FlowOptions flows;
  };
  static void AddOptions(CLI::App& subcommand, Options& options);

  /// From now on the packets of all interfaces are kept in the kernel. Fails: kInvalidArgument,
  /// kNotFound, kUnavailable; nothing was written then.
  static Result<std::unique_ptr<LivePackets>> Open(const Options& options);
  LivePackets(const LivePackets&) = delete;
  LivePackets& operator=(const LivePackets&) = delete;
  ~LivePackets() = default;

  /// For the connections of destinations.
  http::BeforeConnect NotesConnections();
  /// Begins to hand them over. `destination`: of the sensor's recording; goes after this.
  /// `host`: whose packets they are. Returns soon.
  void Start(Destination& destination, const std::string& host);
  /// Takes the rest and says how much it was. Fails: the first failure of a capture.
  Result<> Finish(const std::string& reason);

 private:
  struct Interface {
    std::string name;
    std::unique_ptr<capture::LiveSource> source;         // until it is started
    std::unique_ptr<Destination> destination;            // of the recording under way
    std::unique_ptr<capture::CaptureRecorder> recorder;  // uses the ones above
  };
  LivePackets() = default;
  void StartOne(Interface& interface, Destination& destination, const std::string& description);

  Options options_;
  std::optional<ingest::FlowTimeouts> timeouts_;
  std::string fingerprint_database_;
  const std::shared_ptr<capture::OwnConnections> own_ = std::make_shared<capture::OwnConnections>();
  std::vector<std::unique_ptr<Interface>> interfaces_;
};

}  // namespace spoor::programs

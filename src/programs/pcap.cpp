// SPDX-License-Identifier: Apache-2.0
// `spoor pcap`: the packets of a flow as a file.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "analysis/flow_packets.hpp"
#include "base/file.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "store/lookup.hpp"

namespace spoor::programs {
namespace {

constexpr std::size_t kWriteBytes = 1 << 20;

struct PcapCommand {
  std::string store;
  std::string flow;
  std::string out;
};

/// A file that is there as a whole or not at all.
class OutFile {
 public:
  static Result<OutFile> Create(const std::filesystem::path& path) {
    OutFile file;
    file.path_ = path;
    file.temporary_ = TemporaryPathFor(path);
    ASSIGN_OR_RETURN(file.fd_, OpenFile(file.temporary_, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    return file;
  }
  OutFile(OutFile&&) = default;
  OutFile& operator=(OutFile&&) = default;
  ~OutFile() {
    if (fd_.valid()) ::unlink(temporary_.c_str());
  }
  Result<> Append(std::string_view bytes) {
    buffer_ += bytes;
    return buffer_.size() < kWriteBytes ? Result<>() : Write();
  }
  Result<> Finish() {
    RETURN_IF_ERROR(Write());
    std::error_code error;
    std::filesystem::rename(temporary_, path_, error);
    if (error) return Fail(ErrorCode::kIo, "{}: {}", path_.string(), error.message());
    fd_.Reset();
    return {};
  }

 private:
  OutFile() = default;
  Result<> Write() {
    RETURN_IF_ERROR(WriteAll(fd_.get(), AsBytes(buffer_), temporary_));
    buffer_.clear();
    return {};
  }
  std::filesystem::path path_, temporary_;
  FileDescriptor fd_;
  std::string buffer_;
};

Result<ExitCode> RunPcap(const PcapCommand& command) {
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(command.store));
  const Result<std::int64_t> flow_id = store::FindFlow(*store, command.flow);
  if (!flow_id && flow_id.error().code == ErrorCode::kNotFound) {
    PrintError("spoor pcap: {}\n", flow_id.error().message);
    return store.Judge(ExitCode::kNone);
  }
  RETURN_IF_ERROR(flow_id);
  ASSIGN_OR_RETURN(const std::vector<analysis::FlowCapture> captures,
                   analysis::FindFlowCaptures(*store, *flow_id));
  if (captures.empty()) {
    PrintError("spoor pcap: no capture in the store has packets of the flow\n");
    return store.Judge(ExitCode::kNone);
  }
  ASSIGN_OR_RETURN(OutFile out, OutFile::Create(command.out));
  ASSIGN_OR_RETURN(
      const analysis::FlowPackets packets,
      analysis::WriteFlowPackets(StoreLayout{command.store}, captures,
                                 [&](std::string_view part) { return out.Append(part); }));
  RETURN_IF_ERROR(out.Finish());
  PrintError("{}: {} packets of {} flows out of {} captures\n", command.out, packets.packet_count,
             packets.flow_count, packets.capture_count);
  return store.Judge(ExitCode::kDone);
}

}  // namespace

void RegisterPcap(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("pcap", "write the packets of a flow into a capture file");
  const auto command = std::make_shared<PcapCommand>();
  AddStoreOption(*subcommand, command->store);
  subcommand->add_option("--flow", command->flow, "flow_id, or ADDRESS:PORT of an end")
      ->type_name("FLOW")
      ->required();
  subcommand->add_option("--out", command->out, "the file to write, pcapng")
      ->type_name("FILE")
      ->required();
  subcommand->footer(
      "The flow may be any observer's: the packets are those of its connection, out of every\n"
      "capture in the evidence that has some. Which process it was, and why that is believed, is\n"
      "in the comments of the packets.\n\n"
      "Exit codes: 0 written; 1 there is no such flow, or no packets of it.\n\n"
      "Example:\n"
      "  spoor pcap --store case-7 --flow 10.0.0.7:40312 --out flow.pcapng");
  subcommand->callback([&action, command] { action = [command] { return RunPcap(*command); }; });
}

}  // namespace spoor::programs

// SPDX-License-Identifier: Apache-2.0
#include "tests/record/program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/store_layout.hpp"
#include "evidence/verify.hpp"
#include "ingest/record_decoder.hpp"

namespace spoor {

RunningProgram::RunningProgram(const std::vector<std::string>& words,
                               const std::filesystem::path& output_folder)
    : output_folder_(output_folder) {
  const std::string out = output_folder_ / "stdout";
  const std::string err = output_folder_ / "stderr";
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  SPOOR_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    setpgid(0, 0);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  setpgid(pid_, pid_);
}

RunningProgram::~RunningProgram() {
  kill(-pid_, SIGKILL);
  if (!ended_) Wait();
}

void RunningProgram::Signal(int signal_number) const {
  kill(pid_, signal_number);
}

int RunningProgram::Wait() {
  if (ended_) return exit_code_;
  int status = 0;
  SPOOR_CHECK(waitpid(pid_, &status, 0) == pid_);
  ended_ = true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return exit_code_;
}

bool RunningProgram::HasEnded() {
  siginfo_t info{};
  return ended_ ||
         (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == pid_);
}

std::string RunningProgram::Stdout() const {
  return ReadTextFile(output_folder_ / "stdout", 1 << 20).value_or("");
}

std::string RunningProgram::Stderr() const {
  return ReadTextFile(output_folder_ / "stderr", 1 << 20).value_or("");
}

TestFolder::TestFolder() {
  std::string name = std::filesystem::temp_directory_path() / "spoor-record-XXXXXX";
  SPOOR_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

FinishedProgram RunProgram(const std::vector<std::string>& words) {
  const TestFolder folder;
  RunningProgram program(words, folder.path());
  FinishedProgram finished;
  finished.exit_code = program.Wait();
  finished.out = program.Stdout();
  finished.err = program.Stderr();
  return finished;
}

Result<StoredRecordings> VerifyAndDecode(const std::filesystem::path& store) {
  const StoreLayout layout{store};
  ASSIGN_OR_RETURN(const std::string public_key, ReadTextFile(layout.public_key(), 4096));
  std::map<wire::RecordingId, ingest::RecordDecoder> decoders;
  StoredRecordings stored;
  const auto visit = [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
    ++stored.entry_count;
    return decoders[batch.recording_id].Feed(
        batch, {.entry_index = static_cast<std::int64_t>(index), .sha256 = wire::DigestOf(entry)},
        stored.events);
  };
  RETURN_IF_ERROR(evidence::VerifyLog(
      {.folder = layout.evidence(), .public_key = public_key, .progress = {}, .visit = visit}));
  for (auto& [id, decoder] : decoders) {
    decoder.Finish(stored.events);
    stored.closed_count += decoder.closed();
    stored.malformed_count += decoder.malformed_count();
  }
  stored.recording_count = decoders.size();
  return stored;
}

}  // namespace spoor

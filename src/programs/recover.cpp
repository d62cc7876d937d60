// SPDX-License-Identifier: Apache-2.0
// `spoor recover`: a file as it was at some time, out of recorded writes.
#include "analysis/recover.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/inside.hpp"
#include "base/time.hpp"
#include "base/wall_time_text.hpp"
#include "contents/copy.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHolesShownMax = 20, kGapsShownMax = 5;
constexpr std::int64_t kHashedBytesMax = std::int64_t{64} << 30;  // of all versions of one file
constexpr std::size_t kNameCharactersMax = 80;

struct RecoverFlags {
  std::string store, path, host, at, out, session;
  bool list = false, all = false, json = false;
};

void PrintRecovered(const analysis::RecoveredFile& recovered) {
  const contents::Image& image = recovered.image;
  PrintOut("{} (object {}) on {}\n", VisibleText(recovered.file.path), recovered.file.object_id,
           VisibleText(recovered.file.host));
  PrintOut("  version {} at {}{}{}\n", recovered.version.version,
           WallTimeText(recovered.at_wall_ns), recovered.process.empty() ? "" : ", written by ",
           VisibleText(recovered.process));
  PrintOut("  {} bytes, {} known{}\n", image.size_bytes(), image.known_bytes(),
           recovered.IsWhole() ? ": whole" : "");
  if (!recovered.sha256.empty()) PrintOut("  sha256 {}\n", recovered.sha256);
  if (!recovered.type.empty()) PrintOut("  type {}\n", VisibleText(recovered.type));
  std::size_t holes = 0;
  for (const contents::Extent& extent : image.Extents()) {
    if (!contents::IsHole(extent.content)) continue;
    if (++holes > kHolesShownMax) continue;
    PrintOut("  hole {} to {}: {}\n", extent.from_bytes, extent.until_bytes,
             contents::ReasonOf(extent.content));
  }
  if (holes > kHolesShownMax) {
    PrintOut("  … and {} more holes: --json has all\n", holes - kHolesShownMax);
  }
  for (std::size_t i = 0; i < recovered.gaps.size() && i < kGapsShownMax; ++i) {
    const analysis::Gap& gap = recovered.gaps[i];
    PrintOut("  gap {} {}: {}; calls on the file may be missing\n", gap.loss_class,
             WallSpanText(gap.from_wall_ns, gap.until_wall_ns), VisibleText(gap.reason));
  }
  if (recovered.gaps.size() > kGapsShownMax) {
    PrintOut("  … and {} more gaps: --json has all\n", recovered.gaps.size() - kGapsShownMax);
  }
  for (const std::string& note : analysis::NotesOn(recovered)) PrintOut("  note: {}\n", note);
}

void Print(const analysis::RecoveredFile& recovered, bool json, const std::string& out) {
  if (!json) {
    PrintRecovered(recovered);
    if (!out.empty()) PrintOut("  in {}\n", VisibleText(out));
    return;
  }
  nlohmann::ordered_json line = analysis::ToJson(recovered);
  line["out"] = out.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(VisibleText(out));
  PrintJson(line);
}

/// Writes into `fd`, which is new and empty.
Result<> WriteOut(const analysis::FileBytes& bytes, int fd, const std::string& name) {
  RETURN_IF_ERROR(contents::WriteImage(bytes.recovered.image, bytes.journal, fd, name));
  return ::fsync(fd) == 0 ? Result<>() : FailErrno(errno, "{}: cannot write", name);
}

/// A new file that its owner alone may read. What is there already stays as it is.
Result<> WriteNewFile(const analysis::FileBytes& bytes, const std::string& path) {
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid() && errno == EEXIST) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is there already", path);
  }
  if (!file.valid()) return FailErrno(errno, "{}: cannot create", path);
  const Result<> written = WriteOut(bytes, file.get(), path);
  if (!written) ::unlink(path.c_str());
  return written;
}

/// A name that no shell, file manager or program takes for anything else: the object_id, and of the
/// last part of the path what is harmless.
std::string HarmlessName(const contents::NamedFile& file) {
  std::string name;
  for (const char c : file.path.substr(file.path.find_last_of('/') + 1)) {
    const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    name += harmless ? c : '_';
    if (name.size() == kNameCharactersMax) break;
  }
  return fmt::format("{}-{}", file.object_id, name);
}

ExitCode CodeOf(const analysis::RecoveredFile& recovered) {
  return recovered.IsWhole() ? ExitCode::kDone : ExitCode::kIncomplete;
}

/// Nothing was found; where calls may be missing, that does not say that there was nothing.
Result<ExitCode> Nothing(const analysis::ReadableStore& store, const std::string& host,
                         const std::string& why, std::optional<std::int64_t> at_wall_ns) {
  PrintError("spoor recover: {}\n", why);
  ASSIGN_OR_RETURN(const std::vector<analysis::Gap> gaps,
                   analysis::GapsOf(*store, host, INT64_MIN, at_wall_ns.value_or(INT64_MAX)));
  if (gaps.empty()) return store.Judge(ExitCode::kNone);
  PrintError(
      "spoor recover: the record has {} gaps until then, in which it may have been written\n",
      gaps.size());
  return ExitCode::kIncomplete;
}

Result<ExitCode> RecoverOne(const analysis::ReadableStore& store, const RecoverFlags& flags,
                            std::optional<std::int64_t> at_wall_ns) {
  const Result<analysis::FoundFile> found =
      analysis::FindFileAt(*store, flags.path, flags.host, at_wall_ns);
  if (!found && found.error().code == ErrorCode::kNotFound) {
    return Nothing(store, flags.host, found.error().message, at_wall_ns);
  }
  RETURN_IF_ERROR(found);
  for (const contents::NamedFile& other : found->others) {
    PrintError("spoor recover: object {} had this name at that time, too (say spoor recover {})\n",
               other.object_id, other.object_id);
  }
  const Result<analysis::FileBytes> bytes = analysis::Recover(*store, found->file, at_wall_ns);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
    return Nothing(store, found->file.host, bytes.error().message, at_wall_ns);
  }
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  if (!flags.out.empty()) RETURN_IF_ERROR(WriteNewFile(*bytes, flags.out));
  Print(bytes->recovered, flags.json, flags.out);
  return store.Judge(CodeOf(bytes->recovered));
}

Result<ExitCode> List(const analysis::ReadableStore& store, const RecoverFlags& flags) {
  ASSIGN_OR_RETURN(const std::vector<contents::NamedFile> files,
                   contents::FilesNamed(*store, flags.path, flags.host));
  ExitCode code = ExitCode::kDone;
  bool any = false;
  std::set<std::int64_t> told;
  for (const contents::NamedFile& file : files) {
    if (!told.insert(file.object_id).second) continue;  // had the name twice
    RETURN_IF_ERROR(analysis::ForEachVersion(*store, file, kHashedBytesMax,
                                             [&](const analysis::RecoveredFile& version) {
                                               any = true;
                                               if (!version.IsWhole()) code = ExitCode::kIncomplete;
                                               Print(version, flags.json, {});
                                             }));
  }
  if (any) return store.Judge(code);
  return Nothing(store, flags.host,
                 fmt::format("nothing is known of what {} held", VisibleText(flags.path)), {});
}

Result<ExitCode> RecoverAll(const analysis::ReadableStore& store, const RecoverFlags& flags) {
  ASSIGN_OR_RETURN(const std::vector<analysis::WrittenFile> files,
                   analysis::FilesWrittenBy(*store, flags.session));
  RETURN_IF_ERROR(CreateFolders(flags.out));
  ExitCode code = ExitCode::kDone;
  std::size_t count = 0;
  for (const analysis::WrittenFile& written : files) {
    const Result<analysis::FileBytes> bytes =
        analysis::Recover(*store, written.file, written.last_wall_ns);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
      PrintError("spoor recover: {}\n", bytes.error().message);
      code = ExitCode::kIncomplete;
      continue;
    }
    if (!bytes) return tl::unexpected<Error>(bytes.error());
    const fs::path path = fs::path(flags.out) / HarmlessName(written.file);
    ASSIGN_OR_RETURN(const FileDescriptor file,
                     OpenInside(flags.out, path, O_WRONLY | O_CREAT | O_EXCL));
    if (const Result<> done = WriteOut(*bytes, file.get(), path.string()); !done) {
      (void)RemoveInside(flags.out, path);
      return tl::unexpected<Error>(done.error());
    }
    ++count;
    if (CodeOf(bytes->recovered) != ExitCode::kDone) code = ExitCode::kIncomplete;
    Print(bytes->recovered, flags.json, path.string());
  }
  if (count == 0 && files.empty()) {
    return Nothing(store, {}, "the session wrote to no file that is in the record", {});
  }
  PrintError("spoor recover: {} files in {}\n", count, flags.out);
  return store.Judge(code);
}

Result<ExitCode> Run(const RecoverFlags& flags) {
  if (flags.all != flags.path.empty() || flags.all != !flags.session.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "give a file, or --all with --session");
  }
  if (flags.all && (flags.out.empty() || flags.list || !flags.at.empty() || !flags.host.empty())) {
    return Fail(ErrorCode::kInvalidArgument,
                "--all needs --out FOLDER, and takes no --list, --at and --host");
  }
  if (flags.list && (!flags.out.empty() || !flags.at.empty())) {
    return Fail(ErrorCode::kInvalidArgument, "--list takes no --at and --out");
  }
  std::optional<std::int64_t> at_wall_ns;
  if (!flags.at.empty()) {
    ASSIGN_OR_RETURN(at_wall_ns, ParseWallTime(flags.at, WallNow()));
  }
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(flags.store));
  const QueryWatch watch(*store);
  if (flags.all) return RecoverAll(store, flags);
  return flags.list ? List(store, flags) : RecoverOne(store, flags, at_wall_ns);
}

}  // namespace

void RegisterRecover(CLI::App& application, Action& action) {
  const auto flags = std::make_shared<RecoverFlags>();  // shared with the action that outlives us
  CLI::App* recover =
      application.add_subcommand("recover", "a file as it was at any time, out of recorded writes");
  AddStoreOption(*recover, flags->store);
  recover->add_option("file", flags->path, "absolute path, or an object_id")->type_name("PATH");
  recover->add_option("--host", flags->host, "of this host")->type_name("HOST");
  recover->add_option("--at", flags->at, "as it was then; without it, as it was last")
      ->type_name("TIME");
  recover
      ->add_option("-o,--out", flags->out,
                   "write it into this new file; with --all, into this folder")
      ->type_name("FILE");
  recover->add_flag("--list", flags->list, "all versions of all files that had the name");
  recover->add_flag("--all", flags->all, "all files that a session wrote, as it left them");
  recover->add_option("--session", flags->session, "a session: its id, or a process in it")
      ->type_name("SESSION");
  recover->add_flag("--json", flags->json, "one JSON object per line");
  recover->footer(
      "A file is followed, not its name: through renames, hard links and its deletion. What is "
      "not\n"
      "known is a hole and said with its range and reason; in the file that is written nothing is\n"
      "written there. Files are made anew, for their owner alone, and are as dangerous as they\n"
      "were. Without --out it is told what would be written.\n\n"
      "Exit codes: 0 whole; 1 nothing is known of it; 4 with holes, or records are missing from\n"
      "a time in which it may have been changed.\n\n"
      "Examples:\n"
      "  spoor recover /tmp/.x --list\n"
      "  spoor recover /tmp/.x --at 2026-11-21T20:31:35Z --out dropped.bin\n"
      "  spoor recover --all --session 4711 --out dropped");
  recover->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace spoor::programs

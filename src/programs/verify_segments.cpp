// SPDX-License-Identifier: Apache-2.0
#include "programs/verify_segments.hpp"

#include <cstdlib>

#include "base/file.hpp"
#include "programs/open_store.hpp"
#include "programs/stop_signals.hpp"
#include "store/catalog.hpp"

namespace spoor::programs {
namespace {

namespace fs = std::filesystem;

/// Readers ingest: how often the catalog may be another one afterwards, and the check begins anew.
constexpr int kAttempts = 4;

/// An empty folder for this process alone.
class ScratchFolder {
 public:
  static Result<ScratchFolder> Make() {
    const char* const configured = std::getenv("TMPDIR");
    // Not /tmp, which may be memory.
    const fs::path parent = configured != nullptr && *configured != '\0' ? configured : "/var/tmp";
    std::string path = (parent / "spoor-verify-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return FailErrno(errno, "{}: cannot make a folder there for deriving segments (TMPDIR)",
                       parent.string());
    }
    return ScratchFolder(path);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;  // what stays is named for what it was
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

Result<ingest::DerivationReport> Derive(const StoreLayout& layout) {
  StopSignals signals;
  ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make());
  const auto show = ProgressOnTerminal("deriving segments again");
  return ingest::CheckDerivation(layout, {.importers = MakeImporter}, scratch.path(),
                                 [&](std::uint64_t done, std::uint64_t to_do) -> Result<> {
                                   if (show) show(done, to_do);
                                   if (!signals.Take()) return {};
                                   return Fail(ErrorCode::kUnavailable, "interrupted");
                                 });
}

/// Whether somebody published another catalog since `generation`.
bool HasChanged(const StoreLayout& layout, std::uint64_t generation) {
  const Result<store::Catalog> now = store::LoadCatalog(layout);
  return !now || now->generation != generation;
}

}  // namespace

Result<std::optional<ingest::DerivationReport>> VerifySegments(const StoreLayout& layout) {
  for (int attempt = 1;; ++attempt) {
    const Result<store::Catalog> catalog = store::LoadCatalog(layout);
    if (!catalog && catalog.error().code == ErrorCode::kNotFound) return std::nullopt;
    Result<ingest::DerivationReport> report = Derive(layout);
    if (report) return *report;
    Error error = report.error();
    const bool wrong = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnverified;
    if (wrong && attempt < kAttempts && catalog && HasChanged(layout, catalog->generation)) {
      continue;
    }
    if (error.code == ErrorCode::kCorrupt) error.code = ErrorCode::kUnverified;
    return tl::unexpected<Error>(std::move(error));
  }
}

}  // namespace spoor::programs

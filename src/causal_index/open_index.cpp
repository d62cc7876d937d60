// SPDX-License-Identifier: Apache-2.0
// A file is named by what it was derived from, so that one that is there under the right name needs
// no other bookkeeping. Writing may fail (a full disk): what was made is in memory then.
#include "causal_index/open_index.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/inside.hpp"
#include "causal_index/noise.hpp"
#include "causal_index/read_store.hpp"
#include "store/index_name.hpp"
#include "store/sha256.hpp"
#include "store/store.hpp"

namespace spoor::causal_index {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytesMax = std::uint64_t{64} << 30;
constexpr std::size_t kFilesMax = 1'000'000;

SourceDigest DigestOf(std::string_view hex) {
  SourceDigest digest{};
  const auto value = [](char digit) {
    return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  };
  for (std::size_t i = 0; i < digest.size() && 2 * i + 1 < hex.size(); ++i) {
    digest[i] = static_cast<std::byte>(value(hex[2 * i]) << 4 | value(hex[2 * i + 1]));
  }
  return digest;
}

/// STORE/index, and what may be done there.
class IndexFolder {
 public:
  IndexFolder(const StoreLayout& layout, const OpenIndexOptions& options)
      : layout_(layout), options_(options) {
    struct stat root {};
    ours_ = stat(layout.root.c_str(), &root) == 0 && root.st_uid == geteuid();
  }

  /// The file `name`, if it is there and `open` takes it.
  template <typename Part, typename Open>
  std::optional<Part> Find(const std::string& name, Open&& open) {
    live_.insert(name);
    if (!ours_ || options_.anew) return std::nullopt;
    const fs::path path = layout_.index() / name;
    Result<Part> part = OpenFrom(path, open);
    if (part) return *std::move(part);
    if (part.error().code != ErrorCode::kNotFound && options_.tell) {
      const std::string& why = part.error().message;
      const std::string name_once = why.starts_with(path.string()) ? "" : path.string() + ": ";
      options_.tell(fmt::format("{}{}; it is derived data and is made again", name_once, why));
    }
    return std::nullopt;
  }

  /// What a question would believe of the file `name`; nothing: it is not there, or would be named
  /// and made again.
  template <typename Open>
  std::shared_ptr<const Bytes> Believed(const std::string& name, Open&& open) const {
    if (!ours_) return nullptr;
    Result<std::shared_ptr<const Bytes>> bytes = Map(layout_.index() / name);
    return bytes && open(*bytes) ? *std::move(bytes) : nullptr;
  }

  /// Writes the file and gives it as `open` takes it, be it from memory.
  template <typename Open>
  auto Keep(const std::string& name, std::vector<std::byte> bytes, Open&& open) {
    wrote_ = true;
    const fs::path path = layout_.index() / name;
    const bool written = ours_ && access(layout_.segments().c_str(), W_OK) == 0 &&
                         CreateFoldersInside(layout_.root, layout_.index()) &&
                         WriteFileAtomicallyInside(layout_.root, path, bytes);
    if (written) {
      auto mapped = OpenFrom(path, open);
      if (mapped) return mapped;  // else somebody removed it meanwhile
    }
    return open(HeldBytes(std::move(bytes)));
  }

  /// Removes what nothing that is live is derived from.
  void RemoveStale() {
    if (!ours_ || !wrote_) return;
    const auto names = ListInside(layout_.root, layout_.index(), kFilesMax);
    if (!names) return;
    for (const std::string& name : *names) {
      if (store::IsIndexName(name) && !live_.contains(name)) {
        (void)RemoveInside(layout_.root, layout_.index() / name);
      }
    }
  }

 private:
  template <typename Open>
  auto OpenFrom(const fs::path& path, Open&& open) const -> decltype(open(HeldBytes({}))) {
    ASSIGN_OR_RETURN(std::shared_ptr<const Bytes> bytes, Map(path));
    return open(std::move(bytes));
  }

  Result<std::shared_ptr<const Bytes>> Map(const fs::path& path) const {
    ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(layout_.root, path, O_RDONLY));
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return Fail(ErrorCode::kIo, "cannot be looked at");
    if (status.st_uid != geteuid()) return Fail(ErrorCode::kCorrupt, "is somebody else's");
    const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
    if (size_bytes > kFileBytesMax) return Fail(ErrorCode::kCorrupt, "is too large");
    return MappedBytes(file.get(), size_bytes);
  }

  const StoreLayout& layout_;
  const OpenIndexOptions& options_;
  bool ours_ = false;
  bool wrote_ = false;
  std::set<std::string, std::less<>> live_;
};

/// The segment, and those of io that may have rows of its events.
store::ShownSegments WithItsIo(const store::ShownSegments& shown, const store::Segment& segment) {
  store::ShownSegments some{.layout = shown.layout, .segments = {segment}};
  for (const store::Segment& other : shown.segments) {
    if (other.table == "io" && other.first_entry <= segment.last_entry &&
        other.last_entry >= segment.first_entry) {
      some.segments.push_back(other);
    }
  }
  return some;
}

Result<std::shared_ptr<const Index>> MakeInMemory(store::Store& store) {
  ASSIGN_OR_RETURN(const auto terminals, FindTerminals(store));
  std::vector<FlowsPart> parts;
  ASSIGN_OR_RETURN(std::vector<std::byte> flows, ReadFlows(store, terminals, {}));
  ASSIGN_OR_RETURN(FlowsPart part, FlowsPart::Open(HeldBytes(std::move(flows)), {}));
  parts.push_back(std::move(part));
  ASSIGN_OR_RETURN(std::vector<std::byte> nodes, ReadNodes(store, parts, {}));
  ASSIGN_OR_RETURN(NodesPart nodes_part, NodesPart::Open(HeldBytes(std::move(nodes)), {}));
  return Index::Make(std::move(parts), std::move(nodes_part));
}

/// What STORE/index calls a file of the index, and how it is opened.
struct IndexedFlows {
  explicit IndexedFlows(const store::Segment& segment)
      : name(store::FormatIndexName("flows", segment.sha256)), source(DigestOf(segment.sha256)) {}
  Result<FlowsPart> operator()(std::shared_ptr<const Bytes> bytes) const {
    return FlowsPart::Open(std::move(bytes), source);
  }
  std::string name;
  SourceDigest source;
};

/// Makes files of flows, and asks for the terminals when the first is made.
class FlowsMaker {
 public:
  FlowsMaker(store::Store& store, const store::ShownSegments& shown)
      : store_(store), shown_(shown) {}

  Result<std::vector<std::byte>> Make(const store::Segment& segment) {
    if (!terminals_) {
      ASSIGN_OR_RETURN(terminals_, FindTerminals(store_));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> events,
                     store::OpenSegments(WithItsIo(shown_, segment)));
    return ReadFlows(*events, *terminals_, DigestOf(segment.sha256));
  }

 private:
  store::Store& store_;
  const store::ShownSegments& shown_;
  std::optional<std::optional<std::vector<std::int64_t>>> terminals_;
};

/// What the nodes are derived from: all segments, and the list of rule noise_objects.
std::string DigestOfAll(const store::ShownSegments& shown) {
  store::Sha256Stream digest;
  for (const store::Segment& segment : shown.segments) {
    digest.Add(AsBytes(segment.table));
    digest.Add(AsBytes(segment.sha256));
  }
  digest.Add(AsBytes(NoiseCondition()));
  return digest.Finish();
}

struct IndexedNodes {
  explicit IndexedNodes(const store::ShownSegments& shown)
      : IndexedNodes(std::string_view(DigestOfAll(shown))) {}
  explicit IndexedNodes(std::string_view digest)
      : name(store::FormatIndexName("nodes", digest)), source(DigestOf(digest)) {}
  Result<NodesPart> operator()(std::shared_ptr<const Bytes> bytes) const {
    return NodesPart::Open(std::move(bytes), source);
  }
  std::string name;
  SourceDigest source;
};

}  // namespace

Result<std::shared_ptr<const Index>> OpenIndex(store::Store& store,
                                               const OpenIndexOptions& options) {
  const store::ShownSegments* const shown = store.Shown();
  if (shown == nullptr) return MakeInMemory(store);
  IndexFolder folder(shown->layout, options);
  std::uint64_t done = 0, total = 0;
  for (const store::Segment& segment : shown->segments) {
    if (segment.table == "event") total += segment.row_count;
  }
  FlowsMaker flows_maker(store, *shown);
  std::vector<FlowsPart> parts;
  for (const store::Segment& segment : shown->segments) {
    if (segment.table != "event") continue;
    const IndexedFlows file(segment);
    std::optional<FlowsPart> part = folder.Find<FlowsPart>(file.name, file);
    if (!part) {
      if (options.progress) options.progress(done, total);
      ASSIGN_OR_RETURN(std::vector<std::byte> flows, flows_maker.Make(segment));
      ASSIGN_OR_RETURN(part, folder.Keep(file.name, std::move(flows), file));
    }
    done += segment.row_count;
    parts.push_back(*std::move(part));
  }
  const IndexedNodes nodes_file(*shown);
  std::optional<NodesPart> nodes = folder.Find<NodesPart>(nodes_file.name, nodes_file);
  if (!nodes) {
    ASSIGN_OR_RETURN(std::vector<std::byte> bytes, ReadNodes(store, parts, nodes_file.source));
    ASSIGN_OR_RETURN(nodes, folder.Keep(nodes_file.name, std::move(bytes), nodes_file));
  }
  folder.RemoveStale();
  return Index::Make(std::move(parts), *std::move(nodes));
}

Result<std::uint64_t> CheckIndex(store::Store& store) {
  const store::ShownSegments* const shown = store.Shown();
  if (shown == nullptr) return 0;
  const IndexFolder folder(shown->layout, {});
  std::uint64_t checked_count = 0;
  const auto compare = [&](const std::shared_ptr<const Bytes>& believed, const std::string& name,
                           std::span<const std::byte> made) -> Result<> {
    if (std::ranges::equal(believed->get(), made)) {
      ++checked_count;
      return {};
    }
    return Fail(ErrorCode::kUnverified,
                "{}: is not what the segments give: remove it, it is made again",
                (shown->layout.index() / name).string());
  };
  const IndexedNodes nodes_file(*shown);
  const auto nodes = folder.Believed(nodes_file.name, nodes_file);
  FlowsMaker flows_maker(store, *shown);
  std::vector<FlowsPart> parts;
  for (const store::Segment& segment : shown->segments) {
    if (segment.table != "event") continue;
    const IndexedFlows file(segment);
    std::shared_ptr<const Bytes> bytes = folder.Believed(file.name, file);
    if (!bytes && !nodes) continue;
    ASSIGN_OR_RETURN(std::vector<std::byte> made, flows_maker.Make(segment));
    if (bytes) {
      RETURN_IF_ERROR(compare(bytes, file.name, made));
    } else {
      bytes = HeldBytes(std::move(made));
    }
    ASSIGN_OR_RETURN(FlowsPart part, file(std::move(bytes)));
    parts.push_back(std::move(part));
  }
  if (nodes) {
    ASSIGN_OR_RETURN(const std::vector<std::byte> made, ReadNodes(store, parts, nodes_file.source));
    RETURN_IF_ERROR(compare(nodes, nodes_file.name, made));
  }
  return checked_count;
}

}  // namespace spoor::causal_index

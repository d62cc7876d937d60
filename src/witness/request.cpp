// SPDX-License-Identifier: Apache-2.0
#include "witness/request.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/base64.hpp"
#include "base/file.hpp"

namespace spoor::witness {
namespace {

constexpr std::string_view kOldPrefix = "old ";

/// The next line without its newline, taken off `rest`; nothing when there is no whole line.
std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == rest.npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text != fmt::format("{}", number)) return std::nullopt;
  return number;
}

}  // namespace

Result<AddCheckpointRequest> ParseAddCheckpoint(std::string_view body) {
  const auto bad = [](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument, "not an add-checkpoint request: {}", why);
  };
  if (body.size() > kRequestBytesMax) return bad("larger than 64 KiB");
  AddCheckpointRequest request;
  const std::optional<std::string_view> first = TakeLine(body);
  if (!first || !first->starts_with(kOldPrefix)) return bad("the first line is not 'old SIZE'");
  const std::optional<std::uint64_t> old_size = ParseDecimal(first->substr(kOldPrefix.size()));
  if (!old_size) return bad("the old size is not a decimal number");
  request.old_size = *old_size;
  for (;;) {
    const std::optional<std::string_view> line = TakeLine(body);
    if (!line) return bad("no empty line behind the proof");
    if (line->empty()) break;
    if (request.proof.size() == kProofHashesMax) return bad("more than 63 lines of proof");
    const std::optional<std::string> hash = FromBase64(*line);
    if (!hash || hash->size() != sizeof(evidence::Hash)) return bad("a proof line is no hash");
    std::copy(hash->begin(), hash->end(), request.proof.emplace_back().begin());
  }
  request.checkpoint = body;
  return request;
}

std::string FormatAddCheckpoint(const AddCheckpointRequest& request) {
  std::string body = fmt::format("{}{}\n", kOldPrefix, request.old_size);
  for (const evidence::Hash& hash : request.proof) {
    body += ToBase64(evidence::TextOf(hash)) + '\n';
  }
  return body + '\n' + request.checkpoint;
}

Result<std::uint64_t> ParseSizeLine(std::string_view body) {
  const std::optional<std::string_view> line = TakeLine(body);
  const std::optional<std::uint64_t> size = line ? ParseDecimal(*line) : std::nullopt;
  if (!size || !body.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "not a tree size on a line of its own");
  }
  return *size;
}

std::string CosignedCheckpointPath(std::string_view origin) {
  const evidence::Hash hash = evidence::TreeHasher().Plain(AsBytes(origin));
  return fmt::format("/{}/checkpoint", evidence::EncodeHex(hash));
}

}  // namespace spoor::witness

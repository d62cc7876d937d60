// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/base64.hpp"
#include "proof/answer.hpp"
#include "proof/transfer_account.hpp"
#include "store/bounded_json.hpp"

namespace spoor::proof {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
/// So that a line stays far below what a batch holds.
constexpr std::size_t kLeavesPerLineMax = 256;

Json Encoded(std::span<const evidence::Hash> hashes) {
  Json list = Json::array();
  for (const evidence::Hash& hash : hashes) list.push_back(ToBase64(evidence::TextOf(hash)));
  return list;
}

std::optional<std::vector<evidence::Hash>> Decoded(const Json& list) {
  std::vector<evidence::Hash> hashes;
  for (const Json& text : list) {
    const std::optional<std::string> bytes = FromBase64(text.get_ref<const std::string&>());
    if (!bytes || bytes->size() != sizeof(evidence::Hash)) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), hashes.emplace_back().begin());
  }
  return hashes;
}

void AddRun(const TransferRun& run, std::string& text) {
  if (run.leaves.empty()) {
    const Json line{
        {"origin_first", run.origin_first}, {"here_first", run.here_first}, {"count", run.count}};
    text += line.dump() + "\n";
    return;
  }
  for (std::size_t at = 0; at < run.leaves.size(); at += kLeavesPerLineMax) {
    const std::size_t count = std::min(kLeavesPerLineMax, run.leaves.size() - at);
    const Json line{{"origin_first", run.origin_first + at},
                    {"leaves", Encoded(std::span(run.leaves).subspan(at, count))}};
    text += line.dump() + "\n";
  }
}

/// False: not what AddRun and TransferText write.
bool TakeLine(const Json& line, TransferAccount& account) {
  if (line.contains("transfer")) {
    if (!account.key.empty() || line.at("transfer") != kFormat) return false;
    line.at("key").get_to(account.key);
    line.at("checkpoint").get_to(account.checkpoint);
    line.at("imported_wall_ns").get_to(account.imported_wall_ns);
    return true;
  }
  if (line.contains("first")) {
    const std::uint64_t first = line.at("first");
    const std::uint64_t count = line.at("count");
    auto proof = Decoded(line.at("proof"));
    if (!proof || count > UINT64_MAX - first) return false;
    account.ranges.push_back({{first, first + count}, std::move(*proof), {}});
    return true;
  }
  if (account.ranges.empty()) return false;
  TransferRun run;
  line.at("origin_first").get_to(run.origin_first);
  if (line.contains("leaves")) {
    auto leaves = Decoded(line.at("leaves"));
    if (!leaves || leaves->empty()) return false;
    run.leaves = std::move(*leaves);
    run.count = run.leaves.size();
  } else {
    line.at("here_first").get_to(run.here_first);
    line.at("count").get_to(run.count);
  }
  account.ranges.back().runs.push_back(std::move(run));
  return true;
}

}  // namespace

std::string TransferText(const TransferAccount& account) {
  const Json head{{"transfer", kFormat},
                  {"key", account.key},
                  {"checkpoint", account.checkpoint},
                  {"imported_wall_ns", account.imported_wall_ns}};
  std::string text = head.dump() + "\n";
  for (const TransferRange& range : account.ranges) {
    const Json line{{"first", range.range.begin},
                    {"count", range.range.size()},
                    {"proof", Encoded(range.proof)}};
    text += line.dump() + "\n";
    for (const TransferRun& run : range.runs) AddRun(run, text);
  }
  return text;
}

Result<TransferAccount> ParseTransfer(std::string_view text) {
  TransferAccount account;
  std::size_t number = 0;
  for (const std::string& line : LinesOf(text)) {
    ++number;
    try {
      if (TakeLine(store::ParseBoundedJson<Json>(line), account)) continue;
    } catch (const nlohmann::json::exception&) {
      // As for any other line that is not of an account.
    }
    return Fail(ErrorCode::kCorrupt, "account of an import: line {} is not one", number);
  }
  if (account.key.empty()) return Fail(ErrorCode::kCorrupt, "account of an import: has no head");
  return account;
}

}  // namespace spoor::proof

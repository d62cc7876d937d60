// SPDX-License-Identifier: Apache-2.0
#include "importers/text/json_lines_source.hpp"

#include "base/file.hpp"

namespace spoor::importers {
namespace {

// As much as blanks before the first object may take.
constexpr std::size_t kDecideBytes = 256;

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view WithoutMark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

/// Puts objects into lines, part by part.
class Liner {
 public:
  /// Appends to `lines`.
  void Take(std::string_view text, std::string& lines) {
    for (const char c : text) TakeOne(c, lines);
  }

 private:
  void TakeOne(char c, std::string& lines) {
    if (depth_ == 0) return TakeBetween(c, lines);
    if (in_string_) {
      lines += c == '\n' || c == '\r' ? ' ' : c;
      if (!escaped_ && c == '"') in_string_ = false;
      escaped_ = !escaped_ && c == '\\';
      return;
    }
    if (c == '\n' || c == '\r' || c == '\t') return;
    lines += c;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && --depth_ == 0) lines += '\n';
  }

  void TakeBetween(char c, std::string& lines) {
    if (c == '{') {
      if (in_garbage_) lines += '\n';
      in_garbage_ = false;
      depth_ = 1;
      lines += c;
    } else if (in_garbage_ && c == '\n') {
      in_garbage_ = false;
      lines += c;
    } else if (in_garbage_ || (!IsBlank(c) && c != ',' && c != '[' && c != ']')) {
      in_garbage_ = true;
      lines += c;
    }
  }

  std::uint64_t depth_ = 0;
  bool in_string_ = false, escaped_ = false, in_garbage_ = false;
};

class JsonLinesSource : public event::EventSource {
 public:
  explicit JsonLinesSource(std::unique_ptr<event::EventSource> inner) : inner_(std::move(inner)) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (decided_) return FeedDecided(AsText(bytes), findings);
    held_ += AsText(bytes);
    return held_.size() < kDecideBytes ? Result<>() : Decide(findings);
  }

  Result<> Finish(event::Findings& findings) override {
    if (!decided_) RETURN_IF_ERROR(Decide(findings));
    return inner_->Finish(findings);
  }

  event::SourceCounts counts() const override { return inner_->counts(); }

 private:
  Result<> Decide(event::Findings& findings) {
    decided_ = true;
    is_text_ = LooksLikeJsonText(std::string_view(held_).substr(0, kDecideBytes));
    const std::string held = std::move(held_);
    return FeedDecided(is_text_ ? WithoutMark(held) : std::string_view(held), findings);
  }

  Result<> FeedDecided(std::string_view text, event::Findings& findings) {
    if (!is_text_) return inner_->Feed(AsBytes(text), findings);
    lines_.clear();
    liner_.Take(text, lines_);
    return inner_->Feed(AsBytes(lines_), findings);
  }

  std::unique_ptr<event::EventSource> inner_;
  Liner liner_;
  std::string held_, lines_;
  bool decided_ = false, is_text_ = false;
};

}  // namespace

bool LooksLikeJsonText(std::string_view first_bytes) {
  first_bytes = WithoutMark(first_bytes);
  const auto skip_blanks = [&] {
    while (!first_bytes.empty() && IsBlank(first_bytes.front())) first_bytes.remove_prefix(1);
  };
  skip_blanks();
  const bool array = first_bytes.starts_with('[');
  if (array) first_bytes.remove_prefix(1);
  if (array) skip_blanks();
  if (!first_bytes.starts_with('{')) return false;
  first_bytes.remove_prefix(1);
  const std::size_t after = first_bytes.find_first_not_of(" \t\r");
  return array || (after != first_bytes.npos && first_bytes[after] == '\n');
}

std::string JsonLinesOf(std::string_view text) {
  std::string lines;
  Liner().Take(WithoutMark(text), lines);
  return lines;
}

std::unique_ptr<event::EventSource> MakeJsonLinesSource(std::unique_ptr<event::EventSource> inner) {
  return std::make_unique<JsonLinesSource>(std::move(inner));
}

}  // namespace spoor::importers

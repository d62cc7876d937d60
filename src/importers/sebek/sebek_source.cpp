// SPDX-License-Identifier: Apache-2.0
#include "importers/sebek/sebek_source.hpp"

#include <algorithm>
#include <string>

#include "base/file.hpp"
#include "importers/pcap/capture_source.hpp"
#include "importers/sebek/sebek_translator.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kPrefixBytes = 12;
constexpr std::size_t kHeaderBytesMax = 56;
constexpr std::size_t kAddressPlace = 8, kVersionPlace = 16;
constexpr std::size_t kMagicBytes = 4;  ///< of a capture

packets::Bytes Octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// How long the header of the record is that begins behind a prefix.
std::size_t HeaderBytes(std::string_view from) {
  return from[kVersionPlace + 1] == 3 ? kHeaderBytesMax : kHeaderBytesMax - 8;
}

class SebekStream : public event::EventSource {
 public:
  explicit SebekStream(const ImportOptions& options) : translator_(options) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (lost_) return {};
    held_ += AsText(bytes);
    std::string_view rest = held_;
    while (rest.size() > kVersionPlace + 1 && rest.size() >= kPrefixBytes + HeaderBytes(rest)) {
      const packets::Bytes record_bytes = Octets(rest).subspan(kPrefixBytes);
      std::optional<SebekRecord> record =
          ParseSebekRecord({.captured = record_bytes, .wire_bytes = record_bytes.size()});
      if (!record) {
        // Where the next record begins is not known any more.
        ++counts_.record_count;
        CountMalformed();
        lost_ = true;
        rest = {};
        break;
      }
      const std::size_t size =
          kPrefixBytes + record->header_bytes + std::size_t{record->length_bytes};
      if (rest.size() < size) break;
      ++counts_.record_count;
      packets::Address sender;
      std::copy_n(Octets(rest).begin() + kAddressPlace, 4, sender.bytes.begin());
      record->host_ip = sender.Text();
      translator_.Take(*record, findings);
      rest.remove_prefix(size);
    }
    held_.erase(0, held_.size() - rest.size());
    return {};
  }

  Result<> Finish(event::Findings& findings) override {
    if (!held_.empty()) {
      ++counts_.record_count;
      CountMalformed();
    }
    translator_.Finish(findings);
    return {};
  }

  event::SourceCounts counts() const override { return counts_; }

 private:
  void CountMalformed() {
    if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count;
  }

  SebekTranslator translator_;
  std::string held_;
  bool lost_ = false;
  event::SourceCounts counts_;
};

/// Which of the two a file is shows its beginning.
class SebekSource : public event::EventSource {
 public:
  explicit SebekSource(const ImportOptions& options) : options_(options) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (source_ != nullptr) return source_->Feed(bytes, findings);
    held_ += AsText(bytes);
    if (held_.size() < kMagicBytes) return {};
    return Begin(findings);
  }

  Result<> Finish(event::Findings& findings) override {
    if (source_ == nullptr) RETURN_IF_ERROR(Begin(findings));
    return source_->Finish(findings);
  }

  event::SourceCounts counts() const override {
    return source_ == nullptr ? event::SourceCounts{} : source_->counts();
  }

 private:
  Result<> Begin(event::Findings& findings) {
    source_ = packets::LooksLikeCapture(held_) ? MakeSebekCaptureSource(options_)
                                               : std::make_unique<SebekStream>(options_);
    return source_->Feed(AsBytes(held_), findings);
  }

  const ImportOptions options_;
  std::string held_;
  std::unique_ptr<event::EventSource> source_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeSebekSource(const ImportOptions& options) {
  return std::make_unique<SebekSource>(options);
}

bool LooksLikeSebek(std::string_view first_bytes) {
  if (first_bytes.size() < kPrefixBytes + kHeaderBytesMax) return false;
  const packets::Bytes record_bytes = Octets(first_bytes).subspan(kPrefixBytes);
  const auto record =
      ParseSebekRecord({.captured = record_bytes, .wire_bytes = record_bytes.size()});
  return record && record->pid != 0;
}

}  // namespace spoor::importers

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "keys/certificate.hpp"
#include "keys/chain_statement.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::collector {

using Bytes = std::vector<std::byte>;

/// What a sensor would send, and what one that lies would.
class ChainForTests {
 public:
  explicit ChainForTests(EVP_PKEY* escrow, const std::string& sensor = "web-1") {
    header_.chain_id = *wire::ParseChainId(
        keys::ChainIdOf(sensor, wire::FormatSha256(wire::FirstKeyTag(first_key_))));
    description = Describe(sensor);
    const Bytes content =
        *wire::LockOpening({first_key_.Clone(), description}, header_.chain_id, escrow);
    frames.push_back(Seal(wire::FrameKind::kOpen, content));
  }
  const wire::ChainId& chain_id() const { return header_.chain_id; }
  /// An authority that every chain's sensor has its certificate from.
  static X509* root() { return Authority::Get().root.get(); }
  Bytes Seal(wire::FrameKind kind, std::span<const std::byte> content) {
    header_.kind = kind;
    Bytes frame = wire::SealFrame(keys_.key(), header_, wire::DigestedBytes(content));
    static_cast<void>(keys_.AdvanceTo(header_.sequence + 1));
    header_.previous_sha256 = wire::DigestOf(header_);
    ++header_.sequence;
    return frame;
  }
  /// The next batch of the chain's recording; the first describes it.
  void AddBatch(wire::BatchKind kind = wire::BatchKind::kImportData) {
    wire::Batch batch;
    batch.kind = kind;
    batch.recording_id = header_.chain_id;
    batch.batch_index = batches.size();
    batch.payload = Bytes(frames.size(), std::byte{7});
    if (batches.empty() && kind == wire::BatchKind::kImportData) {
      batch.kind = wire::BatchKind::kRecordingOpen;
    }
    if (!batches.empty()) batch.previous_sha256 = wire::DigestOf(batches.back());
    batches.push_back(*wire::EncodeBatch(batch));
    frames.push_back(Seal(wire::FrameKind::kBatch, batches.back()));
  }
  /// Sealed as it must be; what it seals is the lie.
  void AddBatch(const wire::Batch& batch) {
    batches.push_back(*wire::EncodeBatch(batch));
    frames.push_back(Seal(wire::FrameKind::kBatch, batches.back()));
  }
  /// So many frames were sealed and never delivered.
  void Lose(std::uint64_t frame_count) {
    header_.sequence += frame_count;
    static_cast<void>(keys_.AdvanceTo(header_.sequence));
  }
  /// With today's key, a frame that says it is number `sequence`.
  Bytes Forge(std::uint64_t sequence, std::span<const std::byte> content) {
    wire::FrameHeader header = header_;
    header.kind = wire::FrameKind::kBatch;
    header.sequence = sequence;
    return wire::SealFrame(keys_.key(), header, wire::DigestedBytes(content));
  }

  std::string description;
  std::vector<Bytes> frames;   ///< the open frame first
  std::vector<Bytes> batches;  ///< of frames[1] on

 private:
  struct Authority {
    keys::KeyPointer key = *keys::MakeSigningKey();
    keys::CertificatePointer root = *keys::MakeRoot(key.get(), 1);
    static const Authority& Get() {
      static const Authority kAuthority;
      return kAuthority;
    }
  };
  std::string Describe(const std::string& sensor) const {
    const keys::KeyPointer key = *keys::MakeSigningKey();
    const keys::CertificatePointer certificate =
        *keys::SignCertificate({.name = sensor.substr(0, 63), .addresses = {}, .lifetime_days = 1},
                               key.get(), root(), Authority::Get().key.get());
    return *keys::SignChainStatement(
        {.sensor = sensor,
         .host = "host",
         .boot_id = "boot",
         .chain_id = wire::FormatChainId(header_.chain_id),
         .first_key_tag = wire::FormatSha256(wire::FirstKeyTag(first_key_))},
        certificate.get(), key.get());
  }

  wire::FrameKey first_key_ = wire::FrameKey::Random();
  wire::ChainKeys keys_{first_key_};
  wire::FrameHeader header_{};
};

}  // namespace spoor::collector

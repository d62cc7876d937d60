// SPDX-License-Identifier: Apache-2.0
#include "witness/cosigner.hpp"

#include <algorithm>

#include "evidence/named_key.hpp"
#include "witness/cosigned.hpp"

namespace spoor::witness {
namespace {

// For the cosignature of what the log ended with.
constexpr std::chrono::seconds kLastRoundMax{5};

}  // namespace

Result<std::unique_ptr<Cosigner>> Cosigner::Start(Options options) {
  ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(options.store));
  ASSIGN_OR_RETURN(evidence::VerifierKey log, evidence::VerifierKey::Parse(key));
  std::unique_ptr<Cosigner> cosigner(new Cosigner(std::move(options), std::move(log)));
  for (const WitnessAddress& address : cosigner->options_.witnesses) {
    auto witness = std::make_unique<Witness>();
    witness->address = address;
    witness->status.name = address.key.name;
    witness->status.url = address.url + address.prefix;
    ASSIGN_OR_RETURN(witness->client, WitnessClient::Open(address));
    cosigner->witnesses_.push_back(std::move(witness));
  }
  Cosigner* const bare = cosigner.get();
  for (const auto& witness : bare->witnesses_) {
    witness->thread = std::thread([bare, one = witness.get()] { bare->Serve(*one); });
  }
  bare->watcher_ = std::thread([bare] { bare->Watch(); });
  return cosigner;
}

Cosigner::~Cosigner() {
  Stop();
}

void Cosigner::Stop() {
  {
    const std::lock_guard lock(mutex_);
    watching_ = false;
  }
  changed_.notify_all();
  if (!watcher_.joinable()) return;
  watcher_.join();
  TakeUp();
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, kLastRoundMax, [this] {
    return std::all_of(witnesses_.begin(), witnesses_.end(),
                       [](const auto& witness) { return witness->ended; });
  });
  for (const auto& witness : witnesses_) witness->client->Cancel();
  lock.unlock();
  for (const auto& witness : witnesses_) witness->thread.join();
}

std::vector<Cosigner::Status> Cosigner::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<Status> all;
  for (const auto& witness : witnesses_) all.push_back(witness->status);
  return all;
}

void Cosigner::Watch() {
  for (;;) {
    TakeUp();
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, options_.interval, [this] { return !watching_; })) return;
  }
}

/// The checkpoint of now becomes the one that all witnesses are asked for.
void Cosigner::TakeUp() {
  Result<evidence::Checkpoint> checkpoint =
      evidence::ReadCheckpoint(options_.store.evidence(), log_);
  // Beside a writer that publishes there is always one; what is wrong with it is the writer's to
  // find, and readers' to prove.
  if (!checkpoint) return;
  {
    const std::lock_guard lock(mutex_);
    if (newest_.note == checkpoint->note) return;
    newest_ = *std::move(checkpoint);
  }
  changed_.notify_all();
}

/// Until there is something that is not `done`, and it is time. False: this is the end.
bool Cosigner::WaitFor(Witness& witness, const std::string& done, Clock::time_point not_before) {
  std::unique_lock lock(mutex_);
  const auto is_new = [&] { return !newest_.note.empty() && newest_.note != done; };
  changed_.wait(lock, [&] { return stopping_ || is_new(); });
  // A witness that fails is not waited for at the end.
  changed_.wait_until(lock, not_before, [this] { return stopping_; });
  if (is_new() && (!stopping_ || witness.status.failure.empty())) return true;
  witness.ended = true;
  lock.unlock();
  changed_.notify_all();
  return false;
}

void Cosigner::Serve(Witness& witness) {
  std::string done;
  Clock::time_point not_before = Clock::now();
  std::chrono::milliseconds retry = options_.retry;
  while (WaitFor(witness, done, not_before)) {
    evidence::Checkpoint checkpoint;
    {
      const std::lock_guard lock(mutex_);
      checkpoint = newest_;
    }
    Ask(witness, checkpoint);
    const std::lock_guard lock(mutex_);
    if (witness.status.failure.empty()) {
      done = checkpoint.note;
      retry = options_.retry;
      not_before = Clock::now();
    } else {
      not_before = Clock::now() + retry;
      retry = std::min(retry * 2, options_.retry_max);
    }
  }
}

void Cosigner::Ask(Witness& witness, const evidence::Checkpoint& checkpoint) {
  const std::uint64_t known_size = witness.status.cosigned_size;  // written by this thread only
  const auto ask = [&]() -> Result<Cosigned> {
    ASSIGN_OR_RETURN(Cosigned cosigned,
                     AskForCosignature(*witness.client, witness.address.key,
                                       {options_.store.evidence(), log_}, checkpoint, known_size));
    RETURN_IF_ERROR(KeepCosigned(options_.store.witnessed(), witness.address.key, cosigned));
    return cosigned;
  };
  const Result<Cosigned> cosigned = ask();
  std::string told;
  {
    const std::lock_guard lock(mutex_);
    Status& status = witness.status;
    if (cosigned) {
      if (!status.failure.empty()) told = fmt::format("witness {} cosigns again", status.name);
      ++status.cosigned_count;
      status.cosigned_size = cosigned->checkpoint.size;
      status.cosigned_wall_ns = cosigned->cosigned_wall_ns;
      status.failure.clear();
    } else {
      const bool refused = cosigned.error().code == ErrorCode::kUnverified;
      if (status.failure.empty() || (refused && status.refusal_count == 0)) {
        told = fmt::format("witness {} does not cosign: {}", status.name, cosigned.error().message);
      }
      ++status.failure_count;
      if (refused) ++status.refusal_count;
      status.failure = cosigned.error().message;
    }
  }
  if (!told.empty() && options_.narrate) options_.narrate(told);
}

}  // namespace spoor::witness

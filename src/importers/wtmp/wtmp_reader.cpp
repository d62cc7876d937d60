// SPDX-License-Identifier: Apache-2.0
#include "importers/wtmp/wtmp_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/file.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kRecordBytes = 384;
constexpr std::size_t kTerminalsMax = 1 << 14;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::uint32_t kMicrosecondsPerSecond = 1'000'000;
constexpr std::string_view kWtmp = "wtmp";

// ut_type of utmp(5).
enum Type : std::uint32_t {
  kEmpty = 0,
  kRunLevel = 1,
  kBoot = 2,
  kNewTime = 3,
  kOldTime = 4,
  kInit = 5,
  kLogin = 6,
  kUser = 7,
  kDead = 8,
  kTypesEnd = 10,
};

std::uint32_t NumberOf(std::string_view bytes, std::size_t place, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = size; i-- > 0;) {
    number = number << 8 | static_cast<std::uint8_t>(bytes[place + i]);
  }
  return number;
}

std::string_view TextOf(std::string_view bytes, std::size_t place, std::size_t size) {
  const std::string_view field = bytes.substr(place, size);
  return field.substr(0, field.find('\0'));
}

/// One word.
std::string Word(std::string_view text) {
  std::string word;
  for (const char letter : text) {
    if (letter > ' ' && letter < '\x7f' && letter != '\\') {
      word += letter;
    } else {
      word += fmt::format("\\x{:02X}", static_cast<std::uint8_t>(letter));
    }
  }
  return word;
}

/// One record of the file, whose fields lie where utmp(5) has them.
struct Record {
  explicit Record(std::string_view bytes)
      : type(NumberOf(bytes, 0, 2)),
        padding(NumberOf(bytes, 2, 2)),
        pid(NumberOf(bytes, 4, 4)),
        terminal(TextOf(bytes, 8, 32)),
        user(TextOf(bytes, 44, 32)),
        host(TextOf(bytes, 76, 256)),
        seconds(NumberOf(bytes, 340, 4)),
        microseconds(NumberOf(bytes, 344, 4)),
        address(bytes.substr(348, 16)),
        reserved(bytes.substr(364, 20)) {}

  /// A try with a name; getty, which waits for one, writes "LOGIN".
  bool IsTry() const { return type == kLogin && !user.empty() && user != "LOGIN"; }

  bool Possible() const {
    return type < kTypesEnd && padding == 0 && microseconds < kMicrosecondsPerSecond &&
           reserved.find_first_not_of('\0') == std::string_view::npos;
  }

  /// From where: the address, else the name that was written, which may be a display (":0").
  std::string From() const {
    if (address.find_first_not_of('\0') != std::string_view::npos) {
      const bool v4 = address.substr(4).find_first_not_of('\0') == std::string_view::npos;
      return AddressOfBytes(v4 ? address.substr(0, 4) : address);
    }
    return host.starts_with(':') ? std::string() : Word(host);
  }

  std::uint32_t type, padding, pid;
  std::string_view terminal, user, host;
  std::uint32_t seconds, microseconds;
  std::string_view address, reserved;
};

class WtmpReader : public event::EventSource {
 public:
  explicit WtmpReader(bool all_failed) : all_failed_(all_failed) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    std::string_view rest = AsText(bytes);
    while (!rest.empty()) {
      const std::size_t wanted = std::min(kRecordBytes - held_.size(), rest.size());
      held_ += rest.substr(0, wanted);
      rest.remove_prefix(wanted);
      if (held_.size() < kRecordBytes) break;
      Take(Record(held_), findings);
      held_.clear();
    }
    return {};
  }

  Result<> Finish(event::Findings& findings) override {
    static_cast<void>(findings);
    if (held_.empty()) return {};
    ++counts_.record_count;
    CountMalformed();
    return {};
  }

  event::SourceCounts counts() const override { return counts_; }

 private:
  struct Login {
    std::string user, from;
  };

  void CountMalformed() {
    if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count;
  }

  void Take(const Record& record, event::Findings& findings) {
    ++counts_.record_count;
    if (!record.Possible()) return CountMalformed();
    const std::string terminal = Word(record.terminal);
    switch (record.type) {
      case kEmpty:
        return;
      case kUser: {
        if (all_failed_) return TellTry(record, terminal, findings);
        if (open_.size() >= kTerminalsMax) open_.clear();
        Login& login = open_[terminal];
        login = {Word(record.user), record.From()};
        return Tell("login", record, terminal, login, findings);
      }
      case kLogin:
        if (!record.IsTry()) break;
        return TellTry(record, terminal, findings);
      case kDead: {
        const auto open = open_.find(terminal);
        if (open == open_.end()) break;
        const Login login = std::move(open->second);
        open_.erase(open);
        return Tell("login_ended", record, terminal, login, findings);
      }
      case kBoot:
        open_.clear();
        break;
      default:
        break;
    }
    static constexpr std::array<std::string_view, kTypesEnd> kNames{
        "", "run_level", "boot", "new_time", "old_time", "init", "getty", "", "ended", "account"};
    AddLine(record,
            fmt::format("{} terminal={} pid={} user={}", kNames.at(record.type), terminal,
                        record.pid, Word(record.user)),
            {}, findings);
  }

  static void TellTry(const Record& record, std::string_view terminal, event::Findings& findings) {
    Tell("login_failed", record, terminal, {Word(record.user), record.From()}, findings);
  }

  static void Tell(std::string_view what, const Record& record, std::string_view terminal,
                   const Login& login, event::Findings& findings) {
    // Who wrote it is told for sshd, which has no terminal yet when a try fails, and at the
    // console.
    std::string_view program;
    if (terminal.starts_with("ssh")) program = "sshd";
    if (login.from.empty() && terminal.starts_with("tty")) program = "login";
    AddLine(record,
            fmt::format("{} terminal={} address={} pid={} user={}", what, terminal, login.from,
                        record.pid, login.user),
            program, findings);
  }

  static void AddLine(const Record& record, std::string message, std::string_view program,
                      event::Findings& findings) {
    event::LogLine& line = findings.log_lines.emplace_back();
    line.source = kWtmp;
    line.program = program;
    if (record.seconds != 0) {
      line.wall_ns = record.seconds * kNsPerSecond + std::int64_t{record.microseconds} * 1000;
    }
    line.message = std::move(message);
  }

  const bool all_failed_;
  event::SourceCounts counts_;
  std::string held_;                             // the beginning of a record
  std::unordered_map<std::string, Login> open_;  // by terminal
};

}  // namespace

bool LooksLikeWtmp(std::string_view first_bytes) {
  if (first_bytes.size() < kRecordBytes) return false;
  bool says_something = false;
  for (; first_bytes.size() >= kRecordBytes; first_bytes.remove_prefix(kRecordBytes)) {
    const Record record(first_bytes.substr(0, kRecordBytes));
    if (!record.Possible()) return false;
    says_something |= record.type != kEmpty && record.seconds != 0 && !record.terminal.empty();
  }
  return says_something;
}

bool LooksLikeBtmp(std::string_view first_bytes) {
  if (!LooksLikeWtmp(first_bytes)) return false;
  bool has_try = false;
  for (; first_bytes.size() >= kRecordBytes; first_bytes.remove_prefix(kRecordBytes)) {
    const Record record(first_bytes.substr(0, kRecordBytes));
    if (!record.IsTry() && record.type != kUser && record.type != kEmpty) return false;
    has_try |= record.IsTry();
  }
  return has_try;
}

std::unique_ptr<event::EventSource> MakeWtmpReader(const ImportOptions& options) {
  static_cast<void>(options);
  return std::make_unique<WtmpReader>(false);
}

std::unique_ptr<event::EventSource> MakeBtmpReader(const ImportOptions& options) {
  static_cast<void>(options);
  return std::make_unique<WtmpReader>(true);
}

}  // namespace spoor::importers

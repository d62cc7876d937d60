// SPDX-License-Identifier: Apache-2.0
#include "packets/recognise.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace spoor::packets {
namespace {

using std::string_view;

string_view Text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

string_view FirstLine(string_view text) {
  return text.substr(0, text.find('\n'));
}

bool Contains(string_view text, string_view part) {
  return text.find(part) != string_view::npos;
}

struct Ports {
  std::uint16_t a, b;
  bool Has(std::uint16_t port) const { return a == port || b == port; }
  bool Between(std::uint16_t low, std::uint16_t high) const {
    return (a >= low && a <= high) || (b >= low && b <= high);
  }
};

/// A header of DNS (RFC 1035) that can be one: few questions, answers that fit.
bool IsDns(Bytes message) {
  if (message.size() < 12) return false;
  const unsigned opcode = message[2] >> 3u & 0x0fu;
  const unsigned questions = Big16(message.data() + 4), answers = Big16(message.data() + 6);
  const unsigned others = Big16(message.data() + 8) + 0u + Big16(message.data() + 10);
  return opcode <= 6 && questions <= 16 && questions + answers + others > 0 &&
         answers + others < 1024;
}

string_view HttpLike(string_view text) {
  constexpr std::array<string_view, 16> kMethods{
      "GET ",   "POST ",  "HEAD ",     "PUT ",       "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ",
      "TRACE ", "MKCOL ", "PROPFIND ", "PROPPATCH ", "COPY ",   "MOVE ",    "LOCK ",  "REPORT "};
  if (text.starts_with("HTTP/1.") || text.starts_with("HTTP/0.9")) return "http";
  if (text.starts_with("PRI * HTTP/2.0")) return "http2";
  if (text.starts_with("RTSP/1.0 ")) return "rtsp";
  if (text.starts_with("SIP/2.0 ")) return "sip";
  const string_view line = FirstLine(text);
  if (Contains(line, " SIP/2.0")) return "sip";
  if (Contains(line, " RTSP/1.0")) return "rtsp";
  for (const string_view method : kMethods) {
    if (!text.starts_with(method)) continue;
    const string_view target = line.substr(method.size());
    const bool whole = line.size() < text.size();
    if (Contains(line, " HTTP/1.") || Contains(line, " HTTP/0.9")) return "http";
    const bool cut = !whole && (target.starts_with('/') || target.starts_with("http"));
    if (cut) return "http";
  }
  return {};
}

string_view MailLike(string_view text, const Ports& ports) {
  const string_view line = FirstLine(text);
  if (text.starts_with("220 ") || text.starts_with("220-")) {
    if (Contains(line, "SMTP") || Contains(line, "smtp") || ports.Has(25) || ports.Has(587)) {
      return "smtp";
    }
    if (Contains(line, "FTP") || Contains(line, "ftp") || ports.Has(21)) return "ftp";
    return {};
  }
  if (text.starts_with("EHLO ") || text.starts_with("HELO ")) return "smtp";
  if (text.starts_with("+OK") && (ports.Has(110) || Contains(line, "POP3"))) return "pop3";
  if (text.starts_with("* OK") && (ports.Has(143) || Contains(line, "IMAP"))) return "imap";
  if (text.starts_with("USER ") && ports.Has(21)) return "ftp";
  if ((text.starts_with("USER ") || text.starts_with("CAPA")) && ports.Has(110)) return "pop3";
  return {};
}

bool IsIrc(string_view text, const Ports& ports) {
  const bool begins = text.starts_with("NICK ") || text.starts_with("USER ") ||
                      text.starts_with("PASS ") || text.starts_with("CAP LS");
  if (begins && ports.Between(6660, 7000)) return true;
  if (text.starts_with("NICK ")) return Contains(text, "USER ");
  if (!text.starts_with(':') && !text.starts_with("NOTICE AUTH")) return false;
  const string_view line = FirstLine(text);
  return text.starts_with("NOTICE AUTH") || Contains(line, " NOTICE ") || Contains(line, " 001 ");
}

/// The protocols that are told by the text that they begin with.
string_view TextLike(string_view text, const Ports& ports) {
  struct Beginning {
    string_view text, name;
  };
  constexpr std::array kBeginnings{
      Beginning{"SSH-", "ssh"},
      Beginning{"RFB 00", "vnc"},
      Beginning{"\x13"
                "BitTorrent protocol",
                "bittorrent"},
      Beginning{"@RSYNCD:", "rsync"},
      Beginning{"AMQP", "amqp"},
      Beginning{"<stream:stream", "xmpp"},
  };
  for (const Beginning& beginning : kBeginnings) {
    if (text.starts_with(beginning.text)) return beginning.name;
  }
  if (text.starts_with("<?xml") && Contains(text, "<stream:stream")) return "xmpp";
  if (Contains(text.substr(0, 64), "git-upload-pack") && text.starts_with('0')) return "git";
  if (const string_view name = HttpLike(text); !name.empty()) return name;
  if (const string_view name = MailLike(text, ports); !name.empty()) return name;
  if (IsIrc(text, ports)) return "irc";
  if (text.starts_with('<') && text.size() > 3 && text[1] >= '0' && text[1] <= '9' &&
      (ports.Has(514) || ports.Has(601)) && text.find('>') <= 4) {
    return "syslog";
  }
  const bool redis = text.size() > 3 && text[0] == '*' && text[1] >= '1' && text[1] <= '9' &&
                     Contains(text.substr(0, 8), "\r\n$");
  return redis ? "redis" : string_view{};
}

bool IsMysqlGreeting(Bytes bytes) {
  return bytes.size() > 8 && bytes[3] == 0 && bytes[4] == 10 && bytes[5] >= '3' &&
         bytes[5] <= '9' && (bytes[6] == '.' || bytes[7] == '.') &&
         bytes[0] + 256u * bytes[1] + 4u <= bytes.size() && bytes[2] == 0;
}

bool IsPostgresStart(Bytes bytes) {
  if (bytes.size() < 8 || Big32(bytes.data()) != bytes.size()) return false;
  const std::uint32_t code = Big32(bytes.data() + 4);
  return code == 0x00030000 || code == 80877103;
}

bool IsSmb(Bytes bytes) {
  if (bytes.size() < 8 || bytes[0] != 0) return false;
  const string_view tag = Text(bytes.subspan(4, 4));
  return tag == "\xffSMB" || tag == "\xfeSMB";
}

bool IsLdap(Bytes bytes) {
  // A message: its number, then bind, search or their answers.
  if (bytes.size() < 7 || bytes[0] != 0x30) return false;
  const std::size_t length = (bytes[1] & 0x80) != 0 ? bytes[1] & 0x7fu : 0u;
  const Bytes message = bytes.size() > 2 + length ? bytes.subspan(2 + length) : Bytes{};
  if (message.size() < 4 || message[0] != 0x02 || message[1] == 0 || message[1] > 4) return false;
  const std::size_t at = 2 + std::size_t{message[1]};
  if (message.size() <= at) return false;
  const std::uint8_t operation = message[at];
  return operation == 0x60 || operation == 0x61 || operation == 0x63 || operation == 0x77;
}

string_view BinaryOverTcp(const Ports& ports, bool from_source, Bytes bytes) {
  const std::size_t size = bytes.size();
  if (size >= 6 && bytes[0] == 22 && bytes[1] == 3 && bytes[2] <= 4 &&
      (bytes[5] == 1 || bytes[5] == 2)) {
    return "tls";
  }
  if (size >= 3 && bytes[0] == 0xff && bytes[1] >= 0xfb && bytes[1] <= 0xfe) return "telnet";
  if (IsSmb(bytes)) return "smb";
  if (size >= 6 && bytes[0] == 3 && bytes[1] == 0 && (bytes[5] == 0xe0 || bytes[5] == 0xd0) &&
      (ports.Has(3389) || Contains(Text(bytes), "mstshash="))) {
    return "rdp";
  }
  if (size >= 14 && ports.Has(53) && IsDns(bytes.subspan(2))) return "dns";
  if (!from_source && IsMysqlGreeting(bytes)) return "mysql";
  if (from_source && IsPostgresStart(bytes)) return "postgresql";
  if (size >= 8 && bytes[0] == 0x10 &&
      Contains(Text(bytes.first(std::min<std::size_t>(size, 12))), "MQTT")) {
    return "mqtt";
  }
  if (size >= 16 && Text(bytes.subspan(12, 4)) == string_view("\xdd\x07\0\0", 4)) return "mongodb";
  if (size >= 19 && std::all_of(bytes.begin(), bytes.begin() + 16,
                                [](std::uint8_t byte) { return byte == 0xff; })) {
    return "bgp";
  }
  if (from_source && size >= 3 && bytes[0] == 5 && size == 2u + bytes[1]) return "socks";
  if (from_source && size >= 9 && bytes[0] == 4 && (bytes[1] == 1 || bytes[1] == 2) &&
      bytes[size - 1] == 0) {
    return "socks";
  }
  if (size >= 10 && bytes[0] == 0x05 && bytes[1] == 0x64 && ports.Has(20000)) return "dnp3";
  if (size >= 8 && ports.Has(502) && Big16(bytes.data() + 2) == 0) return "modbus";
  if (ports.Has(389) && IsLdap(bytes)) return "ldap";
  if (size >= 6 && ports.Has(88) && (bytes[4] == 0x6a || bytes[4] == 0x6c)) return "kerberos";
  return {};
}

bool IsQuic(Bytes bytes) {
  if (bytes.size() < 7 || (bytes[0] & 0xc0) != 0xc0) return false;
  const std::uint32_t version = Big32(bytes.data() + 1);
  return version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000 ||
         version >> 16 == 0x5130 || version >> 16 == 0x5430;
}

bool IsStun(Bytes bytes) {
  return bytes.size() >= 20 && (bytes[0] & 0xc0) == 0 && Big32(bytes.data() + 4) == 0x2112a442 &&
         Big16(bytes.data() + 2) + 20u == bytes.size();
}

string_view OverUdp(const Ports& ports, Bytes bytes) {
  const std::size_t size = bytes.size();
  const string_view text = Text(bytes);
  if (ports.Has(53) && IsDns(bytes)) return "dns";
  if (ports.Has(5353) && IsDns(bytes)) return "mdns";
  if (ports.Has(5355) && IsDns(bytes)) return "llmnr";
  if (ports.Has(137) && IsDns(bytes)) return "nbns";
  if (ports.Has(138) && size >= 14 && bytes[0] >= 0x10 && bytes[0] <= 0x16) return "nbdgm";
  if (size >= 240 && (ports.Has(67) || ports.Has(68)) && Big32(bytes.data() + 236) == 0x63825363) {
    return "dhcp";
  }
  if ((ports.Has(546) || ports.Has(547)) && size >= 4 && bytes[0] >= 1 && bytes[0] <= 13) {
    return "dhcpv6";
  }
  if (ports.Has(123) && size >= 48 && (bytes[0] >> 3u & 7u) >= 1 && (bytes[0] >> 3u & 7u) <= 4) {
    return "ntp";
  }
  if ((ports.Has(161) || ports.Has(162)) && size >= 7 && bytes[0] == 0x30) return "snmp";
  if (text.starts_with('<') && (ports.Has(514) || ports.Has(601))) return "syslog";
  if (ports.Has(69) && size >= 4 && bytes[0] == 0 && (bytes[1] == 1 || bytes[1] == 2)) {
    return "tftp";
  }
  if (text.starts_with("M-SEARCH ") || text.starts_with("NOTIFY * HTTP/1.1")) return "ssdp";
  if (ports.Has(1900) && text.starts_with("HTTP/1.1 200")) return "ssdp";
  if (const string_view name = HttpLike(text); name == "sip") return name;
  if (IsStun(bytes)) return "stun";
  if (IsQuic(bytes)) return "quic";
  if (size >= 13 && bytes[0] == 22 && bytes[1] == 0xfe && (bytes[2] == 0xff || bytes[2] == 0xfd)) {
    return "dtls";
  }
  if ((size == 148 && Text(bytes.first(4)) == string_view("\1\0\0\0", 4)) ||
      (size == 92 && Text(bytes.first(4)) == string_view("\2\0\0\0", 4))) {
    return "wireguard";
  }
  if (text.starts_with("d1:ad2:id20:") || text.starts_with("d1:rd2:id20:")) return "bittorrent";
  if (ports.Between(1812, 1813) && size >= 20 && Big16(bytes.data() + 2) == size) return "radius";
  if (ports.Has(500) && size >= 28 && Big32(bytes.data() + 24) == size) return "isakmp";
  if (ports.Has(88) && size >= 2 && (bytes[0] == 0x6a || bytes[0] == 0x6c)) return "kerberos";
  if (ports.Has(389) && IsLdap(bytes)) return "ldap";
  if ((ports.Has(2055) || ports.Between(9995, 9996) || ports.Has(4739)) && size >= 16) {
    const std::uint16_t version = Big16(bytes.data());
    if (version == 5 || version == 9) return "netflow";
    if (version == 10) return "ipfix";
  }
  if ((ports.Has(4789) || ports.Has(8472)) && size >= 8 && (bytes[0] & 0x08) != 0) return "vxlan";
  if (ports.Has(6081) && size >= 8 && bytes[0] >> 6u == 0) return "geneve";
  if (ports.Has(2152) && size >= 8 && bytes[0] >> 5u == 1) return "gtp";
  if (ports.Has(3544) && size >= 40) return "teredo";
  return {};
}

}  // namespace

string_view Recognise(const Ends& ends, bool from_source, Bytes payload) {
  const Ports ports{ends.source_port, ends.destination_port};
  if (payload.empty() || !ends.has_ports) return {};
  if (ends.protocol == IPPROTO_UDP) return OverUdp(ports, payload);
  if (ends.protocol != IPPROTO_TCP && ends.protocol != IPPROTO_SCTP) return {};
  if (const string_view name = TextLike(Text(payload), ports); !name.empty()) return name;
  return BinaryOverTcp(ports, from_source, payload);
}

}  // namespace spoor::packets

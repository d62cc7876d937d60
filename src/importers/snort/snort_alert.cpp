// SPDX-License-Identifier: Apache-2.0
#include "importers/snort/snort_alert.hpp"

#include "importers/text/fields.hpp"

namespace spoor::importers {

bool ParseSnortRule(std::string_view text, event::AlertSighting& alert) {
  alert.generator_id = ParseNumber(TakeUntil(text, ":"));
  alert.signature_id = ParseNumber(TakeUntil(text, ":"));
  return alert.generator_id && alert.signature_id && (text.empty() || ParseNumber(text));
}

bool ParseSnortEnds(std::string_view text, event::FlowSighting& flow) {
  const std::string_view source_text = Trim(TakeUntil(text, "->"));
  text = Trim(text);
  const auto source = ParseAddressAndPort(source_text);
  const auto destination = ParseAddressAndPort(text.substr(0, text.find(' ')));
  if (!source || !destination) return false;
  flow.ends.source_ip = source->ip;
  flow.ends.destination_ip = destination->ip;
  // Snort writes the type and code of ICMP, or 0, where others have ports.
  if (flow.ends.transport.empty() || HasPorts(flow.ends.transport)) {
    flow.ends.source_port = source->port;
    flow.ends.destination_port = destination->port;
  }
  return true;
}

std::optional<event::AlertSighting> ParseSnortAlert(std::string_view text) {
  event::AlertSighting alert;
  // The first bracket that holds a rule; before it stand marks like [Drop] and [**].
  std::size_t open = text.find('[');
  for (; open != std::string_view::npos; open = text.find('[', open + 1)) {
    const std::size_t close = text.find(']', open);
    if (close == std::string_view::npos) return std::nullopt;
    if (ParseSnortRule(text.substr(open + 1, close - open - 1), alert)) break;
  }
  if (open == std::string_view::npos) return std::nullopt;
  text.remove_prefix(text.find(']', open) + 1);

  // The message ends at the next mark; it may have brackets of its own.
  std::size_t end = text.size();
  for (const std::string_view mark :
       {" [**]", " [Classification:", " [Priority:", " [AppID:", " {TCP}", " {UDP}", " {ICMP}"}) {
    end = std::min(end, text.find(mark));
  }
  std::string_view message = Trim(text.substr(0, end));
  if (message.size() >= 2 && message.front() == '"' && message.back() == '"') {
    message = message.substr(1, message.size() - 2);
  }
  alert.signature = message;
  text.remove_prefix(std::min(end, text.size()));
  if (const auto name = Between(text, "[Classification:", "]")) alert.classification = Trim(*name);
  if (const auto number = Between(text, "[Priority:", "]")) {
    alert.priority = ParseNumber(Trim(*number));
  }
  const std::size_t brace = text.rfind('{');
  const std::size_t arrow = text.rfind(" -> ");
  if (brace != std::string_view::npos && arrow != std::string_view::npos && brace < arrow) {
    if (const auto transport = Between(text.substr(brace), "{", "}")) {
      alert.flow.ends.transport = TransportOf(*transport);
      static_cast<void>(ParseSnortEnds(text.substr(text.find('}', brace) + 1), alert.flow));
    }
  }
  return alert;
}

}  // namespace spoor::importers

// SPDX-License-Identifier: Apache-2.0
// What a recorded terminal may do here: draw. Titles, links (OSC 8), the clipboard (OSC 52) and other strings are dropped from
// the output; what was typed is only shown as text.

/** Strings of a terminal (OSC, DCS, APC, PM, SOS) with all that is in them. */
// eslint-disable-next-line no-control-regex
const strings = /(?:\x1b[\]P_^X]|[\x9d\x90\x9f\x9e\x98])[\s\S]*?(?:\x07|\x1b\\|\x9c|$)/g;

/** An asciicast whose output has none of them. They may be cut over events: an open one is carried on. */
export function harmless(cast: string): string {
  let open = "";
  return cast.split("\n").map((line, i) => {
    if (i === 0 || !line.startsWith("[")) return line;
    let event: [number, string, string];
    try {
      event = JSON.parse(line) as [number, string, string];
    } catch {
      return "";
    }
    if (event[1] !== "o") return line;
    let text = open + event[2];
    open = "";
    text = text.replace(strings, (hit) => {
      if (/(?:\x07|\x1b\\|\x9c)$/.test(hit)) return "";
      open = hit.slice(0, 65536);
      return "";
    });
    if (text.endsWith("\x1b")) {
      open = "\x1b";
      text = text.slice(0, -1);
    }
    return JSON.stringify([event[0], "o", text]);
  }).join("\n");
}

// SPDX-License-Identifier: Apache-2.0
// Text of a recorded host is the intruder's. What could act on the reader (control characters, characters that turn text
// around or that nobody sees) is spelled out, so that what is read is what is there.

export interface Piece {
  text: string;
  /** Spelled by us, in place of a character that was not let through. */
  escape: boolean;
}

/** Unicode: format characters, line and paragraph separators, lone surrogates, tags, variation selectors, blanks that look like nothing. */
const invisible =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\uffa1\ufff0-\ufff8\u{e0000}-\u{e0fff}]/u;
const invisibleAll = new RegExp(invisible.source, "gu");

function spelled(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === "\n") return "⏎";
  if (character === "\t") return "⇥";
  if (code <= 0xff) return "\\x" + code.toString(16).padStart(2, "0");
  return "U+" + code.toString(16).toUpperCase().padStart(4, "0");
}

export function pieces(text: string): Piece[] {
  if (!invisible.test(text)) return [{ text, escape: false }];
  const out: Piece[] = [];
  let from = 0;
  for (const hit of text.matchAll(invisibleAll)) {
    if (hit.index > from) out.push({ text: text.slice(from, hit.index), escape: false });
    out.push({ text: spelled(hit[0]), escape: true });
    from = hit.index + hit[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from), escape: false });
  return out;
}

/** The same as one string: for titles, labels of controls and SVG. */
export function visible(text: string): string {
  return invisible.test(text) ? text.replace(invisibleAll, spelled) : text;
}

/** So that nobody's program makes a link of it, or a reader clicks it: for reports. */
export function defanged(text: string): string {
  return visible(text).replace(/\b(h)tt(ps?:\/\/)/gi, "$1xx$2").replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})/g, "$1[.]$2[.]$3[.]$4");
}

/** A cell that a spreadsheet takes for text, whatever is in it. */
export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  const harmless = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? "'" + text : text;
  return '"' + harmless.replaceAll('"', '""') + '"';
}

export function csv(columns: string[], rows: unknown[][]): string {
  return [columns, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

// SPDX-License-Identifier: Apache-2.0
export function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}
/** UTF-8 where it is, single bytes as \xNN where it is not. */
export function textOf(bytes: Uint8Array): string {
  let out = "";
  const strict = new TextDecoder("utf-8", { fatal: true });
  try {
    return strict.decode(bytes);
  } catch {
    for (let at = 0; at < bytes.length; ) {
      const b = bytes[at]!;
      const size = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
      let piece = "";
      if (size > 0 && at + size <= bytes.length)
        try {
          piece = strict.decode(bytes.subarray(at, at + size));
        } catch {
          piece = "";
        }
      if (piece) {
        out += piece;
        at += size;
      } else {
        out += "\\x" + b.toString(16).padStart(2, "0");
        at++;
      }
    }
    return out;
  }
}
export interface HexLine { offset: number; hex: string; text: string }
export function hexLines(bytes: Uint8Array, offset: number): HexLine[] {
  const out: HexLine[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part.map((b, i) => b.toString(16).padStart(2, "0") + (i === 7 ? " " : "")).join(" ");
    out.push({ offset: offset + at, hex: hex.padEnd(48), text: part.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("") });
  }
  return out;
}

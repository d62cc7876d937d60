// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it, vi } from "vitest";
import { bytesOf, hexLines, textOf } from "./bytes";
import { harmless } from "./terminal";
import { csv, csvCell, defanged, pieces, visible } from "./visible";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
let range: typeof import("./range");
let time: typeof import("./time.svelte");
beforeAll(async () => {
  time = await import("./time.svelte");
  range = await import("./range");
});

describe("visible", () => {
  it("spells what would act on a reader or a terminal", () => {
    expect(visible("a\u202eb\u200bc\x1b[31m\0\x7f\x9b\u2066")).toBe("aU+202EbU+200Bc\\x1b[31m\\x00\\x7f\\x9bU+2066");
    expect(visible("one\ntwo\tthree")).toBe("one⏎two⇥three");
    expect(visible("\ufeff\u{e0041}\u2028\u3164\u061c")).toBe("U+FEFFU+E0041U+2028U+3164U+061C");
  });
  it("leaves words of all languages and emoji alone", () => {
    for (const text of ["日本語", "العربية", "naïve ☺ 🎉", "<b>not html</b>"]) expect(visible(text)).toBe(text);
  });
  it("marks what was spelled, so that a name cannot pretend to be an escape", () => {
    expect(pieces("U+202E\u202e")).toEqual([{ text: "U+202E", escape: false }, { text: "U+202E", escape: true }]);
  });
  it("leaves no control or format character, whatever comes", () => {
    const all = Array.from({ length: 0x30000 }, (_, code) => (code >= 0xd800 && code < 0xe000 ? "" : String.fromCodePoint(code))).join("");
    expect(visible(all).match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)).toBeNull();
  });
  it("defangs addresses and links for reports", () => {
    expect(defanged("curl http://203.0.113.31/p.c")).toBe("curl hxxp://203[.]0[.]113[.]31/p.c");
  });
});

describe("csv", () => {
  it("keeps a spreadsheet from running a cell", () => {
    for (const cell of ["=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"]) expect(csvCell(cell).startsWith("\"'")).toBe(true);
  });
  it("leaves numbers numbers and doubles quotes", () => {
    expect(csvCell("-12")).toBe('"-12"');
    expect(csvCell('say "no"')).toBe('"say ""no"""');
    expect(csv(["a"], [[null], [1]])).toBe('"a"\r\n""\r\n"1"\r\n');
  });
});

describe("range", () => {
  const at = (text: string): number => Date.parse(text) * 1000;
  it("understands what people write", () => {
    const now = at("2026-06-03T00:00:00Z");
    expect(range.parseRange("2026-06-02 18:00 ±5m", now)).toEqual({ from_us: at("2026-06-02T17:55:00Z"), until_us: at("2026-06-02T18:05:00Z") });
    expect(range.parseRange("last 24h  ", now)).toEqual({ from_us: at("2026-06-02T00:00:00Z"), until_us: now });
    expect(range.parseRange("2026-06-02", now)).toEqual({ from_us: at("2026-06-02T00:00:00Z"), until_us: now });
    expect(range.parseRange("2026-06-02 18:00 → 19:30", now)).toEqual({ from_us: at("2026-06-02T18:00:00Z"), until_us: at("2026-06-02T19:30:00Z") });
    expect(range.parseRange("2026-06-02T18:00:00.250Z .. 2026-06-02T18:00:01Z", now)).toEqual({ from_us: at("2026-06-02T18:00:00.250Z"), until_us: at("2026-06-02T18:00:01Z") });
    expect(range.parseRange("2026-06-02T18:00+02:00", now)?.from_us).toBe(at("2026-06-02T16:00:00Z"));
    expect(range.parseRange("all", now)).toEqual({ from_us: null, until_us: null });
  });
  it("refuses what it does not understand", () => {
    for (const text of ["yesterday-ish", "2026-13-01", "2026-06-02 18:00 → 17:00", "last 5 bananas"]) expect(range.parseRange(text, 0)).toBeNull();
  });
  it("writes what it can read again, to the microsecond", () => {
    for (const us of [1780423611060001, 1780423611060000, 1780423611000000]) expect(range.timeOfAddress(range.addressTime(us))).toBe(us);
    const r = { from_us: 1780423611060001, until_us: 1780423612000000 };
    expect(range.parseRange(range.rangeText(r), 0)).toEqual(r);
  });
});

describe("times", () => {
  it("are exact where a number of JavaScript is not", () => {
    expect(time.usOf("1780423611060000999")).toBe(1780423611060000);
    expect(time.wallText("1780423611060000999", 6)).toBe("2026-06-02 18:06:51.060000");
  });
  it("tell unknown from never", () => {
    expect(time.wallText(null)).toBe("not known");
    expect(time.wallText("0")).toBe("never");
  });
});

describe("bytes", () => {
  it("are shown as they are, UTF-8 or not", () => {
    expect(textOf(new Uint8Array([0x68, 0xff, 0xc3, 0xa4]))).toBe("h\\xffä");
    expect(textOf(bytesOf("aMOk"))).toBe("hä");
    expect(hexLines(new Uint8Array([0, 65, 255]), 0x100000)[0]).toEqual({ offset: 0x100000, hex: "00 41 ff".padEnd(48), text: ".A." });
  });
});

describe("a recorded terminal", () => {
  const cast = (...outputs: string[]): string => ['{"version":2}', ...outputs.map((o, i) => JSON.stringify([i, "o", o]))].join("\n");
  const out = (text: string): string => text.split("\n").slice(1).map((l) => (JSON.parse(l) as [number, string, string])[2]).join("");
  it("may draw, but not set titles, make links or write the clipboard", () => {
    expect(out(harmless(cast("a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c\x1b]52;c;QUJD\x07d\x1b[31me")))).toBe("abcd\x1b[31me");
  });
  it("may not do so in pieces either", () => {
    expect(out(harmless(cast("a\x1b]52;c;QU", "JD\x07b", "\x1b", "]0;t\x07c")))).toBe("abc");
  });
});

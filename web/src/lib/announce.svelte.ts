// SPDX-License-Identifier: Apache-2.0
/** One short line at the foot of the page, read out by screen readers. */
export const announced = $state({ text: "", round: 0 });
export function say(text: string): void {
  announced.text = text;
  const round = ++announced.round;
  setTimeout(() => {
    if (announced.round === round) announced.text = "";
  }, 4000);
}

// SPDX-License-Identifier: Apache-2.0
// How many things a page waits for, told on its root element: who drives a page from outside need not guess when it is there.
let waits = 0;

export async function during<T>(work: Promise<T>): Promise<T> {
  document.documentElement.dataset.waits = String(++waits);
  try {
    return await work;
  } finally {
    document.documentElement.dataset.waits = String(--waits);
  }
}

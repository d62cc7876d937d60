// SPDX-License-Identifier: Apache-2.0
import { Resource } from "./api.svelte";
import { say } from "./announce.svelte";

interface Page<T> { rows: T[]; next_cursor: string | null; total: number | null }

/** A list that comes in pages: the first when asked for, the next when its end is in sight. */
export class Paged<T> {
  readonly first: Resource<Page<T>>;
  private rest: T[] = $state.raw([]);
  private cursor: string | null = $state(null);
  private busy = false;
  private round = 0;

  constructor(private readonly load: (cursor: string | null, signal?: AbortSignal) => Promise<Page<T>>) {
    this.first = new Resource((signal) => {
      const promise = this.load(null, signal);
      this.round++;
      return promise.then((page) => {
        this.rest = [];
        this.cursor = page.next_cursor;
        return page;
      });
    });
  }
  get rows(): T[] {
    return [...(this.first.data?.rows ?? []), ...this.rest];
  }
  get total(): number | null {
    return this.first.data?.total ?? null;
  }
  get complete(): boolean {
    return this.cursor === null;
  }
  async more(): Promise<void> {
    if (this.busy || this.cursor === null) return;
    this.busy = true;
    const round = this.round;
    try {
      const page = await this.load(this.cursor);
      if (round === this.round) {
        this.rest = [...this.rest, ...page.rows];
        this.cursor = page.next_cursor;
      }
    } catch (error) {
      say(`The rest of the list could not be had: ${(error as Error).message}`);
      this.cursor = null;
    }
    this.busy = false;
  }
}

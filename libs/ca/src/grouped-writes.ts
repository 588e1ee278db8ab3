/**
 * Writes items in groups: while one group is being written the next one gathers.
 *
 * A durable write costs the database one flush of its log, whoever else it is for; so everybody who comes during a
 * flush shares the next one. Nobody waits for company: the first item goes at once. Whoever is told that an item is
 * written is told after the whole group is, so nothing is known to be durable earlier than it would be alone.
 */
interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupedWritesParts<T> {
  /** Writes all of them or none. */
  readonly write: (items: readonly T[]) => Promise<void>;
  /** Whether an error may be one item's own, so that the others are worth another attempt without it. */
  readonly ofOneItem: (error: unknown) => boolean;
  readonly most: number;
}

export class GroupedWrites<T> {
  readonly #parts: GroupedWritesParts<T>;
  readonly #waiting: Waiting<T>[] = [];
  #writing = false;

  constructor(parts: GroupedWritesParts<T>) {
    this.#parts = parts;
  }

  /** Resolves once `item` is written; rejects with its own error, never with another item's. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#writing) void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, this.#parts.most));
    this.#writing = false;
  }

  /** Never rejects. */
  async #write(group: readonly Waiting<T>[]): Promise<void> {
    try {
      await this.#parts.write(group.map(({ item }) => item));
      for (const { resolve } of group) resolve();
    } catch (error) {
      if (group.length === 1 || !this.#parts.ofOneItem(error)) for (const { reject } of group) reject(error);
      else for (const one of group) await this.#write([one]);
    }
  }
}

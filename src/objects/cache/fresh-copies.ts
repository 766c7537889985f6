import type { ContentCache, ObjectReader } from '../driver.ts'

/**
 * A cache for a run that proves what the store has: it opens only copies that were made through it, so that every object is
 * read from the store at least once.
 */
export class FreshCopies implements ContentCache {
  readonly #cache: ContentCache
  readonly #made = new Set<string>()

  constructor(cache: ContentCache) {
    this.#cache = cache
  }

  async open(id: string): Promise<ObjectReader | undefined> {
    return this.#made.has(id) ? await this.#cache.open(id) : undefined
  }

  async put(id: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    // Damaged content is not kept: an older copy would then be taken for it.
    await this.#cache.drop(id)
    await this.#cache.put(id, content)
    this.#made.add(id)
  }

  async drop(id: string): Promise<void> {
    this.#made.delete(id)
    await this.#cache.drop(id)
  }
}

import { z } from 'zod'
import { type BackupEntity, backupEntitySchema } from '../wire/backup.ts'
import { parseJson } from '../wire/json.ts'
import { makeLegacySource } from '../wire/legacy-source.ts'

const listsSchema = z.record(z.string(), z.array(z.unknown()).nullable())

/**
 * `.meta`, the legacy system's index of a namespace: legacy source → list of entities. List items that do not parse
 * are kept unchanged.
 */
export class Meta {
  readonly #lists: Map<string, unknown[]>
  readonly #byName = new Map<string, BackupEntity>()

  constructor(lists: Iterable<readonly [string, unknown[]]> = []) {
    this.#lists = new Map(lists)
    for (const entity of [...this.#lists.values()].flat()) {
      const parsed = backupEntitySchema.safeParse(entity)
      if (parsed.success) this.#byName.set(parsed.data.name, parsed.data)
    }
  }

  /** Parses a `.meta` file, which may be padded with NULs on both sides. Throws BAD_INPUT if it is not such a file. */
  static parse(text: Buffer): Meta {
    const json = text.toString('utf8').replace(/^\0+|\0+$/g, '')
    const lists = Object.entries(parseJson('it', json, listsSchema))
    return new Meta(lists.map(([source, list]) => [source, list ?? []] as const))
  }

  toText(): Buffer {
    return Buffer.from(JSON.stringify(Object.fromEntries(this.#lists)))
  }

  find(name: string): BackupEntity | undefined {
    return this.#byName.get(name)
  }

  entities(): Iterable<BackupEntity> {
    return this.#byName.values()
  }

  /** Adds an entity, or replaces the one of that name. */
  put(entity: BackupEntity): void {
    this.drop([entity.name])
    const key = makeLegacySource(entity)
    this.#lists.set(key, [...(this.#lists.get(key) ?? []), entity])
    this.#byName.set(entity.name, entity)
  }

  /** Removes the entities of these names. Returns whether there was any. */
  drop(names: Iterable<string>): boolean {
    const gone = new Set([...names].filter((name) => this.#byName.delete(name)))
    if (gone.size === 0) return false
    for (const [source, list] of this.#lists) {
      const kept = list.filter((entity) => !gone.has(parseEntityName(entity)))
      if (kept.length === 0) this.#lists.delete(source)
      else this.#lists.set(source, kept)
    }
    return true
  }
}

function parseEntityName(entity: unknown): string {
  const parsed = backupEntitySchema.pick({ name: true }).safeParse(entity)
  return parsed.success ? parsed.data.name : ''
}

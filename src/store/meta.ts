import { z } from 'zod'
import { type BackupEntity, backupEntitySchema } from '../wire/backup.ts'
import { parseJson } from '../wire/json.ts'

const listsSchema = z.record(z.string(), z.array(z.unknown()).nullable())

/**
 * `.meta`, the recorded system's index of a namespace: source path (an increment's ends in `@increment`) → list of
 * entities. What we cannot read of a list is kept as it is.
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

  /** The text of a `.meta`; NULs may stand around it. Throws BAD_INPUT where it is not such a file. */
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
    const key = entity.mode === 'increment' ? `${entity.source}@increment` : entity.source
    this.#lists.set(key, [...(this.#lists.get(key) ?? []), entity])
    this.#byName.set(entity.name, entity)
  }

  /** Says whether any of them was in it. */
  drop(names: Iterable<string>): boolean {
    const gone = new Set([...names].filter((name) => this.#byName.delete(name)))
    if (gone.size === 0) return false
    for (const [source, list] of this.#lists) {
      const kept = list.filter((entity) => !gone.has(nameOf(entity)))
      if (kept.length === 0) this.#lists.delete(source)
      else this.#lists.set(source, kept)
    }
    return true
  }
}

function nameOf(entity: unknown): string {
  const parsed = backupEntitySchema.pick({ name: true }).safeParse(entity)
  return parsed.success ? parsed.data.name : ''
}

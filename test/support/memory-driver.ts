import { BackupdError } from '../../src/lib/errors.ts'
import type {
  BareDriver,
  ObjectName,
  ObjectReader,
  ObjectStat,
  UnnamedWriter,
} from '../../src/objects/driver.ts'
import { checkObjectName } from '../../src/objects/drivers/object-names.ts'
import { unfinishedName } from '../../src/objects/unfinished.ts'

interface Stored {
  content: Buffer
  modifiedMs: number
}

/** What a store in memory holds; a second driver over it is a restart. */
export interface Memory {
  objects: Map<string, Stored>
  uploads: Map<string, Stored>
}

export function newMemory(): Memory {
  return { objects: new Map(), uploads: new Map() }
}

/**
 * Objects in memory, as an object store has them: no folders, no renames, no locks, no limit. Unfinished objects are
 * kept elsewhere, like uploads, and listed beside the others. A model of the interface only: a real driver's objects
 * outlive the process that wrote them.
 */
export function memoryDriver(memory = newMemory()): BareDriver {
  return new MemoryDriver(memory)
}

class MemoryDriver implements BareDriver {
  readonly name = 'memory'
  readonly abilities = { durability: 'acknowledged', showsNamesAtOnce: true } as const
  readonly #objects: Map<string, Stored>
  readonly #uploads: Map<string, Stored>

  constructor({ objects, uploads }: Memory) {
    this.#objects = objects
    this.#uploads = uploads
  }

  async create(name: string, { run }: { run?: string } = {}) {
    const upload = unfinishedName(checkObjectName(name), run)
    this.#uploads.set(upload, stored(Buffer.alloc(0)))
    const chunks: Buffer[] = []
    const writer = this.#writer(chunks, () => this.#uploads.delete(upload))
    return {
      ...writer,
      write: async (chunk: Buffer) => {
        await writer.write(chunk)
        this.#uploads.set(upload, stored(Buffer.concat(chunks)))
      },
      commit: () => writer.commit(name),
    }
  }

  async createIn(folder: string): Promise<UnnamedWriter> {
    checkObjectName(folder)
    return this.#writer([], () => {})
  }

  async open(name: string): Promise<ObjectReader> {
    const content = this.#objects.get(checkObjectName(name))?.content
    if (!content) throw refusal('NOT_FOUND', 'open', name)
    return {
      size: content.length,
      read: async (position, length) => {
        const part = content.subarray(position, position + length)
        const own = Buffer.allocUnsafeSlow(part.length)
        part.copy(own)
        return own
      },
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    }
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    const found = this.#objects.get(checkObjectName(name)) ?? this.#uploads.get(name)
    if (found) return { name, kind: 'file', size: found.content.length, modifiedMs: found.modifiedMs }
    for await (const _ of this.names(name)) return { name, kind: 'folder', size: 0, modifiedMs: 0 }
    return undefined
  }

  async replace(name: string, content: Buffer): Promise<void> {
    this.#objects.set(checkObjectName(name), stored(Buffer.from(content)))
  }

  async update(name: string, change: (before: Buffer | undefined) => Buffer): Promise<void> {
    await this.replace(name, change(this.#objects.get(checkObjectName(name))?.content))
  }

  async remove(name: string): Promise<void> {
    this.#objects.delete(checkObjectName(name))
    this.#uploads.delete(name)
  }

  async *list(folder: string): AsyncIterable<ObjectStat> {
    for await (const { name } of this.names(folder)) {
      const found = await this.stat(folder === '' ? name : `${folder}/${name}`)
      if (found) yield { ...found, name }
    }
  }

  async *names(folder: string): AsyncIterable<ObjectName> {
    const prefix = folder === '' ? '' : `${folder}/`
    const seen = new Set<string>()
    for (const full of [...this.#objects.keys(), ...this.#uploads.keys()]) {
      const [name = '', ...below] = full.startsWith(prefix) ? full.slice(prefix.length).split('/') : []
      if (name === '' || seen.has(name)) continue
      seen.add(name)
      yield { name, kind: below.length > 0 ? 'folder' : 'file' }
    }
  }

  async check(): Promise<void> {}

  #writer(chunks: Buffer[], end: () => void): UnnamedWriter {
    let isOver = false
    return {
      write: async (chunk) => void chunks.push(Buffer.from(chunk)),
      sync: async () => Buffer.concat(chunks).length,
      commit: async (name) => {
        if (isOver) return
        if (this.#objects.has(checkObjectName(name))) throw refusal('CONFLICT', 'create', name)
        this.#objects.set(name, stored(Buffer.concat(chunks)))
        isOver = true
        end()
      },
      abort: async () => {
        if (!isOver) end()
      },
    }
  }
}

function stored(content: Buffer): Stored {
  return { content, modifiedMs: Date.now() }
}

function refusal(code: 'NOT_FOUND' | 'CONFLICT', doing: string, name: string): BackupdError {
  const why = code === 'CONFLICT' ? 'there already' : 'not there'
  return new BackupdError(code, `Cannot ${doing} "${name}" in memory: it is ${why}`)
}

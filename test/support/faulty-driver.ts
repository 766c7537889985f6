import { BackupdError } from '../../src/lib/errors.ts'
import type { ObjectReader, UnnamedWriter } from '../../src/objects/driver.ts'
import type { FolderDriver } from '../../src/objects/drivers/local.ts'
import { onEnd } from './lifetime.ts'

/**
 * Calls that can be made to fail: those of a driver, of its writers and readers. `sync` is also the first part of a
 * commit; `committed` is its end: the commit took effect, and only the answer is lost.
 */
export type DriverCall =
  | Exclude<keyof FolderDriver, 'name' | 'abilities'>
  | 'write'
  | 'sync'
  | 'commit'
  | 'committed'
  | 'abort'
  | 'read'

/** A small language of faults: `faulty.fail('write').after(1_000_000).times(2)`, `faulty.crash('commit').at(2)`. */
export interface FaultyDriver extends FolderDriver {
  /** The call throws and has no effect, once by default; a failing write has written half of its chunk. */
  fail(call: DriverCall | 'any'): Fault
  /** The call throws, and so does every later one: what the store then holds is what a killed process leaves. */
  crash(call: DriverCall | 'any'): Fault
  /** Every call made so far, with the name it was made on: `commit a`. */
  readonly calls: readonly string[]
  readonly isCrashed: boolean
  /** Throws if an ordered fault was never hit: such a test proves nothing. */
  assertAllHit(): void
}

export interface Fault {
  /** How many calls succeed first; for `write`, how many bytes. */
  after(count: number): Fault
  /** Hits the nth call, counted from 1. */
  at(nth: number): Fault
  times(count: number): Fault
  with(error: Error): Fault
}

/** Wraps `driver`, so that tests can order faults. */
export function faultyDriver(driver: FolderDriver): FaultyDriver {
  const orders: Order[] = []
  const calls: string[] = []
  let crashed: Error | undefined
  const writers: UnnamedWriter[] = []
  // Files that a crash left open are closed and removed after the test.
  onEnd(async () => void (await Promise.all(writers.map((writer) => writer.abort()))))

  const faults: Faults = {
    isCrashed: () => crashed !== undefined,
    began: (writer) => void writers.push(writer),
    meet(call, on, bytes = 0) {
      if (crashed) throw crashed
      if (call !== 'committed') calls.push(`${call} ${on}`)
      const order = orders.filter((each) => each.isDue(call, bytes))[0]
      if (order?.crash) crashed = order.error
      if (order) throw order.error
    },
  }
  const take = (order: Order): Fault => {
    orders.push(order)
    return order
  }
  return {
    ...metCalls(driver, faults),
    calls,
    get isCrashed() {
      return faults.isCrashed()
    },
    fail: (call) => take(new Order(call, false)),
    crash: (call) => take(new Order(call, true)),
    assertAllHit() {
      const missed = orders.filter((order) => order.hits === 0).map((order) => order.call)
      if (missed.length > 0) throw new Error(`Faults that were never hit: ${missed.join(', ')}`)
    },
  }
}

class Order implements Fault {
  readonly call: DriverCall | 'any'
  readonly crash: boolean
  hits = 0
  error: Error
  #times = 1
  #passes = { calls: 0, bytes: 0 }
  #seen = { calls: 0, bytes: 0 }

  constructor(call: DriverCall | 'any', crash: boolean) {
    this.call = call
    this.crash = crash
    this.error = new BackupdError(
      'STORE_UNAVAILABLE',
      `${crash ? 'Crashed' : 'Failed'} as ordered, at: ${call}`,
    )
  }

  isDue(call: DriverCall, bytes: number): boolean {
    if (this.call !== 'any' && this.call !== call) return false
    this.#seen.calls += 1
    this.#seen.bytes += bytes
    const passed =
      this.#seen.calls <= this.#passes.calls || (bytes > 0 && this.#seen.bytes <= this.#passes.bytes)
    if (passed || this.hits >= this.#times) return false
    this.hits += 1
    return true
  }

  after(count: number): Fault {
    this.#passes = this.call === 'write' ? { calls: 0, bytes: count } : { calls: count, bytes: 0 }
    return this
  }

  at(nth: number): Fault {
    this.#passes = { calls: nth - 1, bytes: 0 }
    return this
  }

  times(count: number): Fault {
    this.#times = count
    return this
  }

  with(error: Error): Fault {
    this.error = error
    return this
  }
}

interface Faults {
  /** Throws if a fault is due. */
  meet(call: DriverCall, on: string, bytes?: number): void
  isCrashed(): boolean
  began(writer: UnnamedWriter): void
}

function metCalls(driver: FolderDriver, faults: Faults): FolderDriver {
  const met = async <T>(call: DriverCall, on: string, go: () => Promise<T>): Promise<T> => {
    faults.meet(call, on)
    return go()
  }
  return {
    name: driver.name,
    abilities: driver.abilities,
    create: (name, options) =>
      met('create', name, async () => metWriter(name, await driver.create(name, options), faults)),
    createIn: (folder) =>
      met('createIn', folder, async () => metWriter(folder, await driver.createIn(folder), faults)),
    open: (name) => met('open', name, async () => metReader(name, await driver.open(name), faults)),
    stat: (name) => met('stat', name, () => driver.stat(name)),
    replace: (name, content) => met('replace', name, () => driver.replace(name, content)),
    update: (name, change) => met('update', name, () => driver.update(name, change)),
    remove: (name) => met('remove', name, () => driver.remove(name)),
    list: (folder) => metList(driver.list(folder), () => faults.meet('list', folder)),
    names: (folder) => metList(driver.names(folder), () => faults.meet('names', folder)),
    lock: (name) => met('lock', name, () => driver.lock(name)),
    check: (options) => met('check', '', () => driver.check(options)),
    syncFolder: (folder) => met('syncFolder', folder, () => driver.syncFolder(folder)),
    space: () => met('space', '', () => driver.space()),
    withFolder: (folder, act) => met('withFolder', folder, () => driver.withFolder(folder, act)),
  }
}

async function* metList<T>(entries: AsyncIterable<T>, meet: () => void): AsyncIterable<T> {
  meet()
  yield* entries
}

function metWriter<Writer extends UnnamedWriter>(name: string, writer: Writer, faults: Faults): Writer {
  faults.began(writer)
  let isSynced = false
  const sync = async () => {
    if (!isSynced) faults.meet('sync', name)
    isSynced = true
    return writer.sync()
  }
  return {
    async write(chunk: Buffer) {
      const wasCrashed = faults.isCrashed()
      try {
        faults.meet('write', name, chunk.length)
      } catch (fault) {
        if (!wasCrashed) await writer.write(chunk.subarray(0, chunk.length >> 1))
        throw fault
      }
      await writer.write(chunk)
    },
    sync,
    async commit(to = name) {
      await sync()
      faults.meet('commit', to)
      await writer.commit(to)
      faults.meet('committed', to)
    },
    /** Never throws; after a crash it does nothing. */
    async abort() {
      try {
        faults.meet('abort', name)
      } catch {
        return
      }
      await writer.abort()
    },
  } as Writer
}

function metReader(name: string, reader: ObjectReader, faults: Faults): ObjectReader {
  return {
    size: reader.size,
    async read(position, length) {
      faults.meet('read', name)
      return reader.read(position, length)
    },
    close: () => reader.close(),
    [Symbol.asyncDispose]: () => reader.close(),
  }
}

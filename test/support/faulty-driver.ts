import { BackupdError } from '../../src/lib/errors.ts'
import type { Driver, ObjectReader, ObjectWriter } from '../../src/objects/driver.ts'

/** Calls that can be made to fail: those of a driver, of its writers (`write`, `sync`, `close`) and readers (`read`). */
export type DriverCall = Exclude<keyof Driver, 'name' | 'abilities'> | 'write' | 'sync' | 'close' | 'read'

/** A small language of faults: `faulty.fail('write').after(1_000_000).times(2)`, `faulty.crash('rename').at(2)`. */
export interface FaultyDriver extends Driver {
  /** The call throws, once unless told otherwise, and does nothing; a failing write has written half of its chunk. */
  fail(call: DriverCall | 'any'): Fault
  /** The call throws, and so does every later one: what the store then holds is what a killed process leaves. */
  crash(call: DriverCall | 'any'): Fault
  /** Every call made so far, with the names it was made on: `rename a b`. */
  readonly calls: readonly string[]
  readonly isCrashed: boolean
  /** Throws where a fault was ordered and never hit: such a test proves nothing. */
  assertAllHit(): void
}

export interface Fault {
  /** Lets so many calls through first; where it is for `write`, so many bytes. */
  after(count: number): Fault
  /** Hits the nth call, counted from 1. */
  at(nth: number): Fault
  times(count: number): Fault
  with(error: Error): Fault
}

/** `driver` with faults to order. */
export function faultyDriver(driver: Driver): FaultyDriver {
  const orders: Order[] = []
  const calls: string[] = []
  let crashed: Error | undefined

  const faults: Faults = {
    isCrashed: () => crashed !== undefined,
    meet(call, on, bytes = 0) {
      if (crashed) throw crashed
      calls.push(`${call} ${on}`)
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
  /** Throws where a fault is due. */
  meet(call: DriverCall, on: string, bytes?: number): void
  isCrashed(): boolean
}

function metCalls(driver: Driver, faults: Faults): Driver {
  const met = async <T>(call: DriverCall, on: string, go: () => Promise<T>): Promise<T> => {
    faults.meet(call, on)
    return go()
  }
  return {
    name: driver.name,
    abilities: driver.abilities,
    create: (name) => met('create', name, async () => metWriter(name, await driver.create(name), faults)),
    open: (name) => met('open', name, async () => metReader(name, await driver.open(name), faults)),
    stat: (name) => met('stat', name, () => driver.stat(name)),
    rename: (from, to) => met('rename', `${from} ${to}`, () => driver.rename(from, to)),
    publish: (from, to) => met('publish', `${from} ${to}`, () => driver.publish(from, to)),
    replace: (name, content) => met('replace', name, () => driver.replace(name, content)),
    remove: (name) => met('remove', name, () => driver.remove(name)),
    list: (folder) => metList(driver.list(folder), () => faults.meet('list', folder)),
    names: (folder) => metList(driver.names(folder), () => faults.meet('names', folder)),
    syncFolder: (folder) => met('syncFolder', folder, () => driver.syncFolder(folder)),
    lock: (name) => met('lock', name, () => driver.lock(name)),
    space: () => met('space', '', () => driver.space()),
    check: () => met('check', '', () => driver.check()),
    ...metFolders(driver, faults),
  }
}

function metFolders(driver: Driver, faults: Faults): Pick<Driver, 'withFolder'> {
  const withFolder = driver.withFolder?.bind(driver)
  if (!withFolder) return {}
  return {
    async withFolder<T>(folder: string, act: (path: string) => Promise<T>): Promise<T> {
      faults.meet('withFolder', folder)
      return withFolder<T>(folder, act)
    },
  }
}

async function* metList<T>(entries: AsyncIterable<T>, meet: () => void): AsyncIterable<T> {
  meet()
  yield* entries
}

function metWriter(name: string, writer: ObjectWriter, faults: Faults): ObjectWriter {
  return {
    async write(chunk) {
      const wasCrashed = faults.isCrashed()
      try {
        faults.meet('write', name, chunk.length)
      } catch (fault) {
        if (!wasCrashed) await writer.write(chunk.subarray(0, chunk.length >> 1))
        throw fault
      }
      await writer.write(chunk)
    },
    async sync() {
      faults.meet('sync', name)
      await writer.sync()
    },
    /** The file is closed either way, as the kernel does for a killed process. */
    async close() {
      try {
        faults.meet('close', name)
      } finally {
        await writer.close()
      }
    },
  }
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

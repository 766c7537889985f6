import { randomBytes } from 'node:crypto'
import type { BareDriver, ObjectName, ObjectReader, UnnamedWriter } from '../driver.ts'
import type { Patience } from './patience.ts'

/**
 * Wraps a driver, and repeats its calls after transient errors. For drivers that reach their store over a network
 * without a mount: the kernel repeats the calls of the others.
 */
export function retryingDriver(driver: BareDriver, patience: Patience): BareDriver {
  const again = <T>(call: () => Promise<T>) => patience.during(call)
  const { space, syncFolder, withFolder, readWhole, findLock, keepsVersions, keepsConditions } = driver
  if (syncFolder || withFolder) throw new TypeError(`The driver ${driver.name} is not for a network`)
  return {
    name: driver.name,
    abilities: driver.abilities,
    async create(name, { run = randomBytes(21).toString('hex'), ...options } = {}) {
      // The same run each time, so that a repeated call leaves no second unfinished object.
      return repeatedWriter(await again(() => driver.create(name, { run, ...options })), patience)
    },
    createIn: async (folder, options) =>
      repeatedWriter(await again(() => driver.createIn(folder, options)), patience),
    open: async (name, known) => repeatedReader(await again(() => driver.open(name, known)), patience),
    ...(readWhole && { readWhole: (name, maxBytes) => again(() => readWhole.call(driver, name, maxBytes)) }),
    stat: (name) => again(() => driver.stat(name)),
    replace: (name, content) => again(() => driver.replace(name, content)),
    update: (name, change) => again(() => driver.update(name, change)),
    remove: (name) => again(() => driver.remove(name)),
    list: (folder) => repeatedList(() => driver.list(folder), patience),
    names: (folder) => repeatedList(() => driver.names(folder), patience),
    ...(space && { space: () => again(() => space.call(driver)) }),
    ...(findLock && { findLock: (name) => again(() => findLock.call(driver, name)) }),
    ...(keepsConditions && { keepsConditions: () => again(() => keepsConditions.call(driver)) }),
    ...(keepsVersions && { keepsVersions: () => again(() => keepsVersions.call(driver)) }),
    check: (options) => again(() => driver.check(options)),
  }
}

function repeatedWriter<Writer extends UnnamedWriter>(writer: Writer, patience: Patience): Writer {
  return {
    write: (chunk: Buffer) => patience.during(() => writer.write(chunk)),
    sync: () => patience.during(() => writer.sync()),
    commit: (name: string) => patience.during(() => writer.commit(name)),
    abort: () => writer.abort(),
  } as Writer
}

function repeatedReader(reader: ObjectReader, patience: Patience): ObjectReader {
  return {
    size: reader.size,
    read: (position, length) => patience.during(() => reader.read(position, length)),
    close: () => reader.close(),
    [Symbol.asyncDispose]: () => reader.close(),
  }
}

/** A list that fails begins again from its start, and leaves out what was listed already. */
async function* repeatedList<Entry extends ObjectName>(
  begin: () => AsyncIterable<Entry>,
  patience: Patience,
): AsyncGenerator<Entry> {
  const listed = new Set<string>()
  let entries = begin()[Symbol.asyncIterator]()
  const next = () =>
    patience.during(async () => {
      try {
        return await entries.next()
      } catch (error) {
        entries = begin()[Symbol.asyncIterator]()
        throw error
      }
    })
  for (let entry = await next(); !entry.done; entry = await next()) {
    if (listed.has(entry.value.name)) continue
    listed.add(entry.value.name)
    yield entry.value
  }
}

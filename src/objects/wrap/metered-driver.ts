import { waitMeter } from '../../lib/wait-meter.ts'
import type { Driver, ObjectReader, UnnamedWriter } from '../driver.ts'

/** Wraps a driver, and adds the time of its calls to the wait meter. */
export function meteredDriver(driver: Driver): Driver {
  return {
    name: driver.name,
    abilities: driver.abilities,
    create: async (name, options) => meteredWriter(await timed(() => driver.create(name, options))),
    createIn: async (folder, options) => meteredWriter(await timed(() => driver.createIn(folder, options))),
    open: async (name, known) => meteredReader(await timed(() => driver.open(name, known))),
    stat: (name) => timed(() => driver.stat(name)),
    replace: (name, content) => timed(() => driver.replace(name, content)),
    update: (name, change) => timed(() => driver.update(name, change)),
    remove: (name) => timed(() => driver.remove(name)),
    list: (folder) => meteredList(driver.list(folder)),
    names: (folder) => meteredList(driver.names(folder)),
    lock: (name) => timed(() => driver.lock(name)),
    check: (options) => timed(() => driver.check(options)),
    ...meteredAbilities(driver),
  }
}

function meteredAbilities(
  driver: Driver,
): Pick<Driver, 'syncFolder' | 'space' | 'withFolder' | 'cache' | 'readWhole' | keyof Protection> {
  const { syncFolder, space, withFolder, cache, readWhole } = driver
  return {
    ...(syncFolder && { syncFolder: (folder) => timed(() => syncFolder.call(driver, folder)) }),
    ...(space && { space: () => timed(() => space.call(driver)) }),
    ...(cache && { cache }),
    ...(readWhole && { readWhole: (name, maxBytes) => timed(() => readWhole.call(driver, name, maxBytes)) }),
    ...(withFolder && { withFolder: (folder, act) => withFolder.call(driver, folder, act) as never }),
    ...meteredProtection(driver),
  }
}

type Protection = Pick<Driver, 'findLock' | 'keepsVersions' | 'keepsConditions'>

function meteredProtection(driver: Driver): Protection {
  const { findLock, keepsVersions, keepsConditions } = driver
  return {
    ...(findLock && { findLock: (name) => timed(() => findLock.call(driver, name)) }),
    ...(keepsVersions && { keepsVersions: () => timed(() => keepsVersions.call(driver)) }),
    ...(keepsConditions && { keepsConditions: () => timed(() => keepsConditions.call(driver)) }),
  }
}

function timed<T>(work: () => Promise<T>): Promise<T> {
  return waitMeter.during(work)
}

function meteredWriter<Writer extends UnnamedWriter>(writer: Writer): Writer {
  return {
    write: (chunk: Buffer) => timed(() => writer.write(chunk)),
    sync: () => timed(() => writer.sync()),
    commit: (name: string) => timed(() => writer.commit(name)),
    abort: () => timed(() => writer.abort()),
  } as Writer
}

function meteredReader(reader: ObjectReader): ObjectReader {
  return {
    size: reader.size,
    read: (position, length) => timed(() => reader.read(position, length)),
    close: () => timed(() => reader.close()),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

async function* meteredList<T>(list: AsyncIterable<T>): AsyncGenerator<T> {
  const items = list[Symbol.asyncIterator]()
  try {
    for (let next = await timed(() => items.next()); !next.done; next = await timed(() => items.next())) {
      yield next.value
    }
  } finally {
    await items.return?.()
  }
}

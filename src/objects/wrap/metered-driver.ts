import { storeMeter } from '../../lib/store-meter.ts'
import type { Driver, ObjectReader, ObjectWriter } from '../driver.ts'

/** Wraps a driver, and adds the time of its calls to the store meter. */
export function meteredDriver(driver: Driver): Driver {
  const { withFolder } = driver
  return {
    name: driver.name,
    abilities: driver.abilities,
    create: async (name) => meteredWriter(await timed(() => driver.create(name))),
    open: async (name) => meteredReader(await timed(() => driver.open(name))),
    stat: (name) => timed(() => driver.stat(name)),
    rename: (from, to) => timed(() => driver.rename(from, to)),
    publish: (from, to) => timed(() => driver.publish(from, to)),
    replace: (name, content) => timed(() => driver.replace(name, content)),
    remove: (name) => timed(() => driver.remove(name)),
    list: (folder) => meteredList(driver.list(folder)),
    names: (folder) => meteredList(driver.names(folder)),
    syncFolder: (folder) => timed(() => driver.syncFolder(folder)),
    lock: (name) => timed(() => driver.lock(name)),
    space: () => timed(() => driver.space()),
    check: () => timed(() => driver.check()),
    ...(withFolder && { withFolder: (folder, act) => withFolder.call(driver, folder, act) as never }),
  }
}

function timed<T>(work: () => Promise<T>): Promise<T> {
  return storeMeter.during(work)
}

function meteredWriter(writer: ObjectWriter): ObjectWriter {
  return {
    write: (chunk) => timed(() => writer.write(chunk)),
    sync: () => timed(() => writer.sync()),
    close: () => timed(() => writer.close()),
  }
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

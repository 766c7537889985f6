import type { Driver, ObjectReader } from '../driver.ts'

/** Wraps a driver so that each read of the content of an opened object first waits for `pace`, which must not throw. */
export function pacedDriver(driver: Driver, pace: () => Promise<void>): Driver {
  return { ...driver, open: async (name, known) => pacedReader(await driver.open(name, known), pace) }
}

function pacedReader(reader: ObjectReader, pace: () => Promise<void>): ObjectReader {
  return {
    size: reader.size,
    async read(position, length) {
      await pace()
      return reader.read(position, length)
    },
    close: () => reader.close(),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

import type { Driver } from '../../src/objects/driver.ts'

/** Wraps `driver`: `around` commits the objects of a repository. */
export function aroundCommit<Some extends Driver>(
  driver: Some,
  around: (name: string, commit: () => Promise<void>) => Promise<void>,
): Some {
  const createIn = driver.createIn.bind(driver)
  return Object.assign(driver, {
    async createIn(folder: string) {
      const writer = await createIn(folder)
      return {
        write: (chunk: Buffer) => writer.write(chunk),
        sync: () => writer.sync(),
        commit: (name: string) => around(name, () => writer.commit(name)),
        abort: () => writer.abort(),
      }
    },
  })
}

import type { Driver, UnnamedWriter } from '../../src/objects/driver.ts'

/** `driver` whose process is killed at its nth call; at a write, when half of the bytes are written. */
export function suicidalDriver(driver: Driver, nth: number): Driver & { readonly calls: number } {
  let calls = 0
  const isLast = () => ++calls === nth
  const die = () => process.kill(process.pid, 'SIGKILL')
  return new Proxy(driver, {
    get(target, name: keyof Driver | 'calls') {
      if (name === 'calls') return calls
      const member = target[name]
      if (typeof member !== 'function') return member
      return (...args: never[]) => {
        if (isLast()) die()
        const result = (member as (...args: never[]) => unknown).apply(target, args)
        if (name !== 'create' && name !== 'createIn') return result
        return (result as Promise<UnnamedWriter>).then((writer) => mortal(writer, { isLast, die }))
      }
    },
  }) as Driver & { readonly calls: number }
}

function mortal(writer: UnnamedWriter, { isLast, die }: { isLast(): boolean; die(): void }): UnnamedWriter {
  return {
    async write(chunk) {
      if (isLast()) {
        await writer.write(chunk.subarray(0, chunk.length >> 1))
        die()
      }
      await writer.write(chunk)
    },
    async sync() {
      if (isLast()) die()
      return await writer.sync()
    },
    async commit(name) {
      if (isLast()) die()
      await writer.sync()
      if (isLast()) die()
      await writer.commit(name)
      if (isLast()) die()
    },
    async abort() {
      if (isLast()) die()
      await writer.abort()
    },
  }
}

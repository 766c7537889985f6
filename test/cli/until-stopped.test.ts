import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'

const MODULE = new URL('../../src/cli/until-stopped.ts', import.meta.url).href

/**
 * A program that closes for ever, at once, or with an error; its words and its end.
 * @param failure a promise that ends it
 */
function start(close: string, failure = 'undefined') {
  const code = `
    import { waitUntilStopped } from ${JSON.stringify(MODULE)}
    const alive = setInterval(() => {}, 60_000)
    const close = async () => { console.log('closing'); ${close} }
    const stopped = waitUntilStopped(close, ${failure}).finally(() => clearInterval(alive))
    console.log('started')
    await stopped.catch((error) => { console.log(error.message); throw error })
    console.log('closed')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit')
  return { child, ended, next: async () => (await lines.next()).value as string | undefined }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s closes the program, which ends with what it had to do',
  async (signal) => {
    const { child, ended, next } = start('')
    expect(await next()).toBe('started')
    child.kill(signal)
    expect([await next(), await next()]).toEqual(['closing', 'closed'])
    expect(await ended).toEqual([0, null])
  },
)

test('a second signal ends a program at once if its closing hangs', async () => {
  const { child, ended, next } = start('await new Promise(() => {})')
  expect(await next()).toBe('started')
  child.kill('SIGTERM')
  expect(await next()).toBe('closing')
  child.kill('SIGINT')
  expect(await ended).toEqual([130, null])
})

test('a failed closing is an error of the program', async () => {
  const { child, ended, next } = start("throw new Error('no')")
  expect(await next()).toBe('started')
  child.kill('SIGTERM')
  expect(await next()).toBe('closing')
  expect(await ended).toEqual([1, null])
})

test('a failure closes the program and is its error, whatever closing says', async () => {
  const { ended, next } = start(
    "throw new Error('no')",
    "Promise.reject(new Error('the catalog is damaged'))",
  )
  expect([await next(), await next(), await next()]).toEqual(['started', 'closing', 'the catalog is damaged'])
  expect(await ended).toEqual([1, null])
})

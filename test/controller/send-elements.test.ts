import { expect, onTestFinished, test } from 'vitest'
import { sendElements } from '../../src/controller/send-elements.ts'
import { closeApp, createApp, listen, printJson } from '../../src/http/app.ts'
import { messageOf } from '../../src/lib/errors.ts'
import { JsonElements } from '../../src/rest-compat/json-elements.ts'

/** A server that answers with these elements. */
async function serve(elements: AsyncIterable<string> | Iterable<string>): Promise<string> {
  const app = createApp({
    guard: () => {},
    refuse: (error, _request, reply) => printJson(reply.code(500), messageOf(error)),
  })
  app.get('/', (_request, reply) => sendElements(reply, new JsonElements('[]', elements)))
  onTestFinished(() => closeApp(app))
  return listen(app, { host: '127.0.0.1', port: 0 }, 'test')
}

const LONG = JSON.stringify('x'.repeat(10_000))

async function* failAfter(count: number) {
  for (let made = 0; made < count; made++) yield LONG
  throw new Error('no more')
}

test('no element, one, and many are one list', async () => {
  for (const count of [0, 1, 2, 50]) {
    const response = await fetch(await serve(Array.from({ length: count }, () => LONG)))
    expect(await response.json()).toEqual(Array.from({ length: count }, () => 'x'.repeat(10_000)))
    expect(response.headers.has('content-length')).toBe(count < 7)
  }
})

test('an error before the first piece is a refusal', async () => {
  const response = await fetch(await serve(failAfter(3)))
  expect([response.status, await response.json()]).toEqual([500, 'no more'])
})

test('an error after the first piece breaks the answer off, so that nobody takes it for the whole list', async () => {
  const response = await fetch(await serve(failAfter(50)))
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
})

test('a client that goes away ends the list, and one that does not read holds it up', async () => {
  let made = 0
  const ended = Promise.withResolvers<number>()
  async function* endless() {
    try {
      for (;;) {
        made += 1
        yield LONG
      }
    } finally {
      ended.resolve(made)
    }
  }
  const url = await serve(endless())
  const leave = new AbortController()
  await fetch(url, { signal: leave.signal })
  await expect.poll(() => made).toBeGreaterThan(10)
  leave.abort()
  expect(await ended.promise).toBeLessThan(10_000)
})

test('others get their turn while elements are made', async () => {
  let turns = 0
  const count = () => {
    turns += 1
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  onTestFinished(() => clearImmediate(timer))
  const seen: number[] = []
  function* slow() {
    for (let made = 0; made < 20; made++) {
      const until = performance.now() + 11
      while (performance.now() < until);
      seen.push(turns)
      yield '1'
    }
  }
  await (await fetch(await serve(slow()))).text()
  expect(new Set(seen).size).toBeGreaterThan(15)
})

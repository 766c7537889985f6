import { expect, test } from 'vitest'
import { createLog } from '../../src/cli/log.ts'
import { BackupdError } from '../../src/lib/errors.ts'

function logged(isTerminal: boolean, message: string, facts: object = {}): string {
  const lines: string[] = []
  const log = createLog({ debug: false, isTerminal, to: { write: (line) => void lines.push(line) } })
  log.warn(facts, message)
  return lines.join('')
}

test('the log is JSON unless it goes to a terminal', () => {
  expect(JSON.parse(logged(false, 'hello', { volume: '/data' }))).toMatchObject({
    level: 40,
    msg: 'hello',
    volume: '/data',
  })
})

test('on a terminal the log is text for people', () => {
  const text = logged(true, 'hello', { volume: '/data' })
  expect(text).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] .*WARN.*: .*hello/)
  expect(text).toContain('volume: "/data"')
  expect(text).not.toContain('"msg"')
})

test('no name in the log moves the cursor of a terminal', () => {
  const evil = 'a\u001b[2Jb\rc\u009bd\u202ee\u007f\bf\u2028g\u2066h\u2069'
  const text = logged(true, evil, { error: new Error(evil), path: evil })
  // Colours are the only sequences, and they are not those of the name.
  const controls = [...text].filter(
    (char) => /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(char) && char !== '\n' && char !== '\t',
  )
  expect(controls.filter((char) => char !== '\u001b')).toEqual([])
  expect(text).not.toContain('\u001b[2J')
  expect(text).toContain('\\u001b[2J')
  expect(logged(true, 'back\\slash \\u001b')).toContain('back\\slash \\u001b')
})

test('a stack is logged for a fault of the program only', () => {
  const cause = new Error('connect ECONNREFUSED')
  const facts = { object: 'ns/object' }
  const error = new BackupdError('STORE_UNAVAILABLE', 'the endpoint cannot be reached', { facts, cause })
  for (const key of ['error', 'err']) {
    expect(JSON.parse(logged(false, 'hello', { [key]: error }))[key]).toEqual({
      code: 'STORE_UNAVAILABLE',
      message: 'the endpoint cannot be reached',
      facts,
      cause: 'connect ECONNREFUSED',
    })
    const fault = new BackupdError('INTERNAL', 'a fault')
    for (const one of [fault, new TypeError('a fault')])
      expect(JSON.parse(logged(false, 'hello', { [key]: one }))[key].stack).toContain('log.test.ts')
  }
  expect(JSON.parse(logged(false, 'hello', { error: 'STORE_FULL' })).error).toBe('STORE_FULL')
})

import { expect, test } from 'vitest'
import { type StoredToken, TokenBook, type TokenStore } from '../../../src/domain/access/token-book.ts'
import { createTokenText, hashToken, isToken, readTokenId } from '../../../src/domain/access/token-text.ts'

const START = Date.parse('2026-11-23T10:00:00Z')

/** A store in memory that can fail. */
function memoryStore() {
  const rows = new Map<string, StoredToken>()
  const state = { isBroken: false, uses: [] as { id: string; at: string }[] }
  const check = () => {
    if (state.isBroken) throw new Error('the disk is full')
  }
  const store: TokenStore = {
    all: async () => [...rows.values()],
    add: async (token) => {
      check()
      rows.set(token.id, token)
    },
    remove: async (id) => {
      check()
      rows.delete(id)
    },
    noteUses: async (uses) => {
      check()
      state.uses.push(...uses)
    },
  }
  return { store, state, rows }
}

async function start(expiresAt: string | null = null) {
  const memory = memoryStore()
  const clock = { now: START }
  const book = new TokenBook(memory.store, () => clock.now)
  const { id, text, hash } = createTokenText()
  const token: StoredToken = {
    ...{ id, name: 'ci', hash, grants: [{ role: 'viewer', apps: null }], expiresAt },
    ...{ createdAt: '2026-11-23T10:00:00Z', createdBy: 'test', lastUsedAt: null },
  }
  await book.add(token)
  return { ...memory, book, clock, id, text }
}

test('a token has 256 random bits, an id that is not secret, and only its hash is kept', async () => {
  const { rows, id, text } = await start()
  expect(text).toMatch(/^bkd_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
  expect(readTokenId(text)).toBe(id)
  expect(JSON.stringify([...rows.values()])).not.toContain(text.slice(21))
  expect(new Set(Array.from({ length: 100 }, () => createTokenText().text)).size).toBe(100)
})

test('only the whole token is accepted', async () => {
  const { book, text } = await start()
  expect(book.identify(text)).toMatchObject({ kind: 'token', name: 'ci' })
  const last = text.endsWith('A') ? 'B' : 'A'
  const wrong = [
    text.slice(0, -1) + last,
    `${text}A`,
    ` ${text}`,
    text.toUpperCase(),
    text.slice(0, 20),
    '',
    '__proto__',
  ]
  for (const one of [...wrong, createTokenText().text]) expect(book.identify(one)).toBeUndefined()
})

test('a token of an unknown id is compared like any other, so that times do not tell which ids exist', () => {
  const { text, hash } = createTokenText()
  expect(isToken(text, hash)).toBe(true)
  expect(isToken(text, undefined)).toBe(false)
  expect(isToken('', undefined)).toBe(false)
  expect(isToken('', hashToken(''))).toBe(true)
})

test('a token ends when it expires', async () => {
  const { book, clock, text, id } = await start('2026-11-23T11:00:00Z')
  clock.now += 3_599_999
  expect(book.identify(text)).toBeDefined()
  clock.now += 1
  expect(book.identify(text)).toBeUndefined()
  expect(book.isCurrent(id)).toBe(false)
  expect(book.list()).toHaveLength(1)
})

test('a revoked token ends at once, even if that cannot be stored, and can be revoked again', async () => {
  const { book, state, rows, text, id } = await start()
  state.isBroken = true
  await expect(book.remove(id)).rejects.toThrow('the disk is full')
  expect(book.identify(text)).toBeUndefined()
  expect(rows.size).toBe(1)
  state.isBroken = false
  expect(await book.remove(id)).toMatchObject({ id })
  expect(rows.size).toBe(0)
  expect(await book.remove(id)).toBeUndefined()
})

test('the last use is shown at once, and written at most once an hour', async () => {
  const { book, clock, state, text, id } = await start()
  book.identify(text)
  expect(book.list()[0]?.lastUsedAt).toBe('2026-11-23T10:00:00.000Z')
  await book.noteUses()
  for (const minutes of [10, 40]) {
    clock.now += minutes * 60_000
    book.identify(text)
    await book.noteUses()
  }
  expect(state.uses).toEqual([{ id, at: '2026-11-23T10:00:00.000Z' }])
  clock.now += 600_000
  book.identify(text)
  await book.noteUses()
  expect(state.uses.map(({ at }) => at)).toEqual(['2026-11-23T10:00:00.000Z', '2026-11-23T11:00:00.000Z'])
})

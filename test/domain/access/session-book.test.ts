import { expect, test } from 'vitest'
import { makeTokenPrincipal } from '../../../src/domain/access/principal.ts'
import type { Role } from '../../../src/domain/access/roles.ts'
import {
  MAX_IDLE_MS,
  MAX_SESSION_MS,
  SessionBook,
  type StoredSession,
} from '../../../src/domain/access/session-book.ts'
import { createTokenText } from '../../../src/domain/access/token-text.ts'

const START = Date.parse('2026-12-03T05:00:00Z')

function makeBook() {
  const stored = new Map<string, StoredSession>()
  const state = { now: START, role: 'viewer' as Role, hasToken: true }
  const token = (id: string) => makeTokenPrincipal(id, 'ci', [{ role: state.role, apps: null }])
  const store = {
    all: async () => [...stored.values()],
    add: async (session: StoredSession) => void stored.set(session.id, session),
    remove: async (ids: readonly string[]) => ids.forEach((id) => void stored.delete(id)),
    removeAll: async () => stored.clear(),
    noteUses: async (uses: readonly { id: string; at: string }[]) => {
      for (const { id, at } of uses) {
        const session = stored.get(id)
        if (session) stored.set(id, { ...session, lastUsedAt: at })
      }
    },
  }
  const open = () =>
    new SessionBook(store, {
      now: () => state.now,
      findToken: (id) => (state.hasToken ? token(id) : undefined),
    })
  return { stored, state, store, open, book: open() }
}

function makeSession() {
  const { id, text, hash } = createTokenText('bks')
  const at = new Date(START).toISOString()
  const expiresAt = new Date(START + MAX_SESSION_MS).toISOString()
  const session: StoredSession = {
    ...{ id, hash, by: 'token', holder: 'token t', name: 'ci', tokenId: 't', grants: [] },
    ...{ address: '127.0.0.1', createdAt: at, lastUsedAt: at, expiresAt },
  }
  return { session, text }
}

test('a session ends when it is idle, and after its time however much it is used', async () => {
  const { book, state, stored } = makeBook()
  const { session, text } = makeSession()
  await book.add(session)
  state.now += MAX_IDLE_MS - 1
  expect(book.identify(text)).toMatchObject({ kind: 'session', name: 'ci' })
  while (state.now + MAX_IDLE_MS - 1 < START + MAX_SESSION_MS) {
    state.now += MAX_IDLE_MS - 1
    expect(book.identify(text)).toBeDefined()
  }
  state.now = START + MAX_SESSION_MS
  expect(book.identify(text)).toBeUndefined()
  await book.store()
  expect([book.size, stored.size]).toEqual([0, 0])
  const idle = makeSession()
  state.now = START
  await book.add(idle.session)
  state.now += MAX_IDLE_MS
  expect([book.identify(idle.text), book.list()]).toEqual([undefined, []])
})

test('the last use outlives a restart', async () => {
  const { book, state, open } = makeBook()
  const { session, text } = makeSession()
  await book.add(session)
  state.now += MAX_IDLE_MS / 2
  book.identify(text)
  await book.store()
  state.now += MAX_IDLE_MS / 2
  const reopened = open()
  await reopened.load()
  expect(reopened.identify(text)).toBeDefined()
})

test('a session has the grants that its token has, and ends with it', async () => {
  const { book, state } = makeBook()
  const { session, text } = makeSession()
  await book.add(session)
  expect(book.identify(text)?.grants).toEqual([{ role: 'viewer', apps: null }])
  state.hasToken = false
  expect([book.find(session.id), book.identify(text)]).toEqual([undefined, undefined])
})

test('neither a token nor another secret of the same id is a session', async () => {
  const { book } = makeBook()
  const { session, text } = makeSession()
  await book.add(session)
  for (const wrong of [text.replace('bks', 'bkd'), `${text}x`, text.slice(0, -1), '', session.id])
    expect(book.identify(wrong)).toBeUndefined()
  expect(book.identify(`${text.slice(0, -2)}${text.endsWith('AA') ? 'BB' : 'AA'}`)).toBeUndefined()
})

test.each([
  ['an end that cannot be read', { expiresAt: 'soon' }],
  ['a last use that cannot be read', { lastUsedAt: '' }],
  ['a hash of another length', { hash: 'abcd' }],
  ['an empty hash', { hash: '' }],
  [
    'an end that the clock was set back from',
    { expiresAt: new Date(START + MAX_SESSION_MS * 2).toISOString() },
  ],
])('a session with %s is over', async (_what, altered) => {
  const { book } = makeBook()
  const { session, text } = makeSession()
  await book.add({ ...session, ...altered })
  expect(book.identify(text)).toBeUndefined()
})

test('all sessions end at once, also if that cannot be stored, which is tried again', async () => {
  const { book, stored, store } = makeBook()
  const { session, text } = makeSession()
  await book.add(session)
  store.removeAll = () => Promise.reject(new Error('the disk is full'))
  await expect(book.removeAll()).rejects.toThrow('the disk is full')
  expect([book.identify(text), stored.size]).toEqual([undefined, 1])
  await book.store()
  expect([book.size, stored.size]).toEqual([0, 0])
})

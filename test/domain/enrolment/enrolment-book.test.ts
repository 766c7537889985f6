import { expect, test } from 'vitest'
import { EnrolmentBook } from '../../../src/domain/enrolment/enrolment-book.ts'

const NOW = Date.parse('2026-12-02T12:00:00Z')
const SOON = '2026-12-02T13:00:00.000Z'
const PAST = '2026-12-02T11:00:00.000Z'

function invitationOf(id: string, { ip = '10.0.0.1', expiresAt = SOON } = {}) {
  return { id, hash: 'a'.repeat(64), ip, replace: false, expiresAt, usedBy: null }
}

test('join tokens that were used or have expired take no room', async () => {
  const book = new EnrolmentBook()
  await book.addInvitation(invitationOf('open'), NOW)
  await book.addInvitation(invitationOf('other', { ip: '10.0.0.2' }), NOW)
  await book.addInvitation(invitationOf('late', { expiresAt: PAST }), Date.parse(PAST) - 1)
  expect(book.countOpenInvitations(NOW)).toBe(2)
  const server = { ip: '10.0.0.2', keyHash: 'k', enrolledAt: SOON, expiresAt: SOON }
  await book.setServer(server, { ...invitationOf('other', { ip: '10.0.0.2' }), usedBy: 'k' })
  expect(book.countOpenInvitations(NOW)).toBe(1)
})

test('an enrolment ends the other join tokens of its server, and a revocation all of them', async () => {
  const book = new EnrolmentBook()
  for (const id of ['first', 'second']) await book.addInvitation(invitationOf(id), NOW)
  await book.addInvitation(invitationOf('elsewhere', { ip: '10.0.0.2' }), NOW)
  const server = { ip: '10.0.0.1', keyHash: 'k', enrolledAt: SOON, expiresAt: SOON }
  await book.setServer(server, { ...invitationOf('second'), usedBy: 'k' })
  expect(['first', 'second', 'elsewhere'].map((id) => book.invitation(id)?.usedBy)).toEqual([
    undefined,
    'k',
    null,
  ])
  await book.revoke('10.0.0.1')
  expect(['second', 'elsewhere'].map((id) => book.invitation(id)?.id)).toEqual([undefined, 'elsewhere'])
})

test('a daemon that renews again and again does not hold up what an administrator does', async () => {
  const book = new EnrolmentBook()
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = book.renewOnce('10.0.0.1', () => promise)
  for (let n = 0; n < 100; n++)
    await expect(book.renewOnce('10.0.0.1', async () => 'again')).rejects.toMatchObject({
      code: 'OVERLOADED',
    })
  const order: string[] = []
  const other = book.renewOnce('10.0.0.2', async () => void order.push('other'))
  const revoked = book.inTurn(async () => void order.push('revoked'))
  resolve('renewed')
  expect(await first).toBe('renewed')
  await Promise.all([other, revoked])
  expect(order).toEqual(['other', 'revoked'])
  expect(await book.renewOnce('10.0.0.1', async () => 'later')).toBe('later')
})

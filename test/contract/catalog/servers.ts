import { expect, onTestFinished, test } from 'vitest'
import { closing, type MakePlace, openEmpty } from './place.ts'

/** What a catalog remembers of servers, of who asked for what, and of itself. */
export function serverDemands(makePlace: MakePlace): void {
  test('servers are kept, in the order of their addresses', async () => {
    const { servers } = await openEmpty(makePlace)
    const server = { ip: '10.0.0.2', daemonId: null, lastSeen: null, leaving: false, timeZone: null }
    await servers.save(server)
    await servers.save({ ...server, ip: '10.0.0.1' })
    await servers.save({
      ...server,
      daemonId: 'd',
      lastSeen: '2026-01-01T00:00:00Z',
      leaving: true,
      timeZone: 'Asia/Tokyo',
    })
    expect(await servers.all()).toEqual([
      { ...server, ip: '10.0.0.1' },
      { ...server, daemonId: 'd', lastSeen: '2026-01-01T00:00:00Z', leaving: true, timeZone: 'Asia/Tokyo' },
    ])
    await servers.remove('10.0.0.1')
    await servers.remove('10.0.0.1')
    expect(await servers.all()).toHaveLength(1)
  })

  test('the audit is forgotten slice by slice, up to a time', async () => {
    const { audit } = await openEmpty(makePlace)
    const entry = { who: 'me', verb: 'recover', facts: { a: 1 }, outcome: 'ok' }
    await audit.write({ ...entry, at: '2026-01-01T00:00:00Z' })
    await audit.write({ ...entry, at: '2026-01-02T00:00:00Z' })
    await audit.write({ ...entry, at: '2026-01-03T00:00:00Z' })
    const now = '2027-06-01T00:00:00Z'
    expect(await audit.forget('2026-01-03T00:00:00Z', now)).toBe(2)
    expect(await audit.forget('2026-01-03T00:00:00Z', now)).toBe(0)
    expect(await audit.forget('2027-01-01T00:00:00Z', now)).toBe(1)
    const { items } = await audit.find({}, { first: 9 })
    expect(items.map(({ node: { id, verb, facts } }) => [id, verb, facts.id])).toEqual([
      [5, 'pruneAudit', 3],
      [4, 'pruneAudit', 2],
    ])
  })

  test('audit entries with a time in the future keep neither themselves nor what is old', async () => {
    const { audit } = await openEmpty(makePlace)
    const write = async (at: string, count = 1) => {
      for (let n = 0; n < count; n++)
        await audit.write({ who: 'me', verb: 'recover', facts: {}, outcome: 'ok', at })
    }
    const [before, now] = ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z']
    // More than one slice, as a controller writes them whose clock is wrong for a while.
    await write('2099-01-01T00:00:00Z', 501)
    expect(await audit.forget(before, now)).toBe(0)
    await write('2026-01-01T00:00:00Z')
    await write('2026-01-02T12:00:00Z')
    await write('2026-01-01T00:00:00Z')
    expect(await audit.forget(before, now)).toBe(500)
    expect(await audit.forget(before, now)).toBe(2)
    expect(await audit.forget(before, now)).toBe(0)
    const { items } = await audit.find({ verb: 'recover' }, { first: 9 })
    expect(items.map(({ node: { id } }) => id)).toEqual([504, 503])
  })

  test('the identity stays over restarts, and no other catalog has it', async () => {
    const [place, other] = [await makePlace(), await openEmpty(makePlace)]
    const first = await place.open()
    await first.close()
    await using again = closing(await place.open())
    expect(again.catalog.identity).toBe(first.identity)
    expect(other.identity).not.toBe(first.identity)
  })

  test('a write in progress is completed when the catalog closes', async () => {
    const place = await makePlace()
    const catalog = await place.open()
    const server = { ip: '10.0.0.1', daemonId: null, lastSeen: null, leaving: false, timeZone: null }
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, n) => catalog.servers.save({ ...server, ip: `10.0.0.${n}` })),
    )
    await catalog.close()
    await writing
    const again = await place.open()
    onTestFinished(() => again.close())
    expect(await again.servers.all()).toHaveLength(20)
  })
}

// News is accepted only for the server that sent it. Anyone who reaches the controller can post, and a daemon can be
// compromised: it must not be able to report runs and backups of another one.

import { BackupdError } from '../lib/errors.ts'
import { serverOfJobId } from '../wire/ids.ts'
import type { LegacyRecord, RunRecord } from '../wire/record.ts'
import { findForeignPart } from '../wire/record-sender.ts'
import { refusePlain } from './enrolment/server-link.ts'
import type { NewsPost } from './news-line.ts'
import type { World } from './world.ts'

/** Who posts news. */
export interface NewsPoster {
  /** The address of the connection, or the server that the certificate is for. */
  from: string
  /** `from` is proven by a certificate. */
  isCertified?: boolean | undefined
}

/** Throws FORBIDDEN unless the news comes from the server, and the server is a known one. */
export function checkSender(world: World, server: string, { from, isCertified = false }: NewsPoster): void {
  if (!world.servers.has(server)) {
    const what = `Cannot take news of ${server}: it is not a server of the inventory`
    throw new BackupdError('FORBIDDEN', `${what}. Add it to the inventory; its news is kept until then`)
  }
  if (isCertified) {
    checkCertified(world, server, from)
    return
  }
  const refusal = refusePlain(world, server)
  if (refusal !== undefined)
    throw new BackupdError('FORBIDDEN', `Cannot take news of ${server} over plain HTTP. ${refusal}`)
  if (from === server || world.settings.newsFrom(server).includes(from)) return
  const what = `Cannot take news of ${server}: it came from ${from}, expected ${server}`
  const todo = `If the daemon is behind an address translation, start the controller with --news-from ${server}=${from}`
  world.setAside.note(server, 'posts in its name', [`it came from ${from}`])
  throw new BackupdError('FORBIDDEN', `${what}. ${todo}`, { facts: { server, from } })
}

/** Another address of the server does not count: what the certificate says does. */
function checkCertified(world: World, server: string, from: string): void {
  if (from === server) return
  world.setAside.note(server, 'posts in its name', [`it came from the daemon on ${from}`])
  const message = `Cannot take news of ${server}: the certificate of the sender is for ${from}`
  throw new BackupdError('FORBIDDEN', message, { facts: { server, from } })
}

/**
 * The server of a legacy record: that of its job, otherwise the one with this address. Throws FORBIDDEN if there is none
 * or the address is not one of its own.
 */
export function serverOfLegacyRecord(world: World, { id }: LegacyRecord, poster: NewsPoster): string {
  const server = serverOfJobId(id) ?? serverAt(world, poster)
  checkSender(world, server, poster)
  return server
}

function serverAt(world: World, poster: NewsPoster): string {
  const [only, ...others] = listServersAt(world, poster)
  return only !== undefined && others.length === 0 ? only : poster.from
}

/** The servers that may send news from this address: the one that has it, otherwise those behind it. */
export function listServersAt(world: World, { from, isCertified = false }: NewsPoster): string[] {
  const { servers, settings } = world
  if (isCertified) return servers.has(from) ? [from] : []
  const found = servers.has(from)
    ? [from]
    : [...servers.keys()].filter((ip) => settings.newsFrom(ip).includes(from))
  return found.filter((ip) => refusePlain(world, ip) === undefined)
}

/** Returns the acceptable records of each post and notes the others: one bad record must not block the batch. */
export async function filterOwnRecords(world: World, posts: readonly NewsPost[]): Promise<RunRecord[][]> {
  const rids = posts.flatMap(({ records }) => records.map(({ rid }) => rid))
  const unfamiliar = new Set(rids.filter((rid) => !world.ledger.isLive(rid)))
  const stored = await world.ports.records.serversOf([...unfamiliar])
  return posts.map(({ server, records }) => {
    const flaws = records.map((record) => {
      const known = world.ledger.serverOfLive(record.rid) ?? stored.get(record.rid) ?? server
      const flaw = findFlaw(record, { server, known })
      return flaw && `${record.rid}: ${flaw}`
    })
    world.setAside.note(
      server,
      'records',
      flaws.filter((flaw) => flaw !== undefined),
    )
    return records.filter((_record, at) => flaws[at] === undefined)
  })
}

function findFlaw(record: RunRecord, { server, known }: { server: string; known: string }) {
  if (record.server !== server) return `it belongs to ${record.server}, expected ${server}`
  if (record.state === 'lost') return 'only a controller calls a run lost'
  return findForeignPart(record) ?? (known === server ? undefined : `this run belongs to ${known}`)
}

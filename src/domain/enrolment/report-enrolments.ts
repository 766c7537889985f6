import type { Enrolment } from '../enrolment-ports.ts'
import type { World } from '../world.ts'

const SOURCE = 'enrolment'
const MAX_NAMED = 5
const DOCS = 'docs/security.md says what to do'

/** Reports that the files which say whom the controller may trust were lost. Call it at the start, and after each change. */
export function reportEnrolments(world: World): void {
  const { problems, log } = world
  for (const [key, text] of [
    ['list', describeLostList(world)],
    ['authority', describeLostAuthority(world)],
  ] as const) {
    if (text === undefined) {
      problems.clear(SOURCE, key)
      continue
    }
    if (!problems.has(SOURCE, key)) log.error({}, text)
    problems.report({ source: SOURCE, key, text })
  }
}

/** Warns once at the start: it is not a problem of an installation that never enrolled a daemon. */
export function warnOfPlainHttp({ enrolments, servers, settings, log }: World): void {
  if (enrolments.isUsed) return
  const plain = [...servers.keys()].filter((ip) => ip !== settings.internal?.ip)
  if (plain.length === 0) return
  log.warn(
    { servers: plain.length },
    `The controller talks to ${nameSome(plain)} over plain HTTP: whoever reaches the ports of their daemons can recover and delete there. To use certificates, see docs/security.md#certificates-of-daemons`,
  )
}

function describeLostList({ enrolments }: World): string | undefined {
  if (!enrolments.isListLost) return undefined
  return `Daemons were enrolled at this controller, and enrolments.json names none of them: plain HTTP stays refused, except with --legacy-peer. Restore authority.json and enrolments.json from a copy; ${DOCS} without one`
}

function describeLostAuthority({ enrolments, ports }: World): string | undefined {
  const present = ports.authority?.known.map(({ fingerprint }) => fingerprint)
  const lost = enrolments
    .list()
    .filter((one) => one.keyHash !== null && isOther(one, present))
    .map(({ ip }) => ip)
  if (lost.length === 0) return undefined
  const what =
    present === undefined
      ? 'authority.json is missing'
      : 'The authority of their certificates was retired, or authority.json was lost and made again'
  return `${what}, so the daemons on ${nameSome(lost)} and this controller refuse each other. Restore the file from a copy, or invite these daemons with --replace; ${DOCS}`
}

/**
 * Whether daemon and controller cannot trust each other: neither what certified the daemon nor any authority that it trusts
 * is there. Enrolments of earlier versions say neither.
 */
function isOther({ authority, trusts }: Enrolment, present: readonly string[] | undefined): boolean {
  if (present === undefined) return true
  if (authority !== undefined && !present.includes(authority)) return true
  return trusts !== undefined && !trusts.some((one) => present.includes(one))
}

/** The first few of these servers. */
export function nameSome(ips: readonly string[]): string {
  const more = ips.length > MAX_NAMED ? ` and ${ips.length - MAX_NAMED} more` : ''
  return `${ips.slice(0, MAX_NAMED).join(', ')}${more}`
}

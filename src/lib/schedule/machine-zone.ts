import { readFileSync, realpathSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import { tolerateSync } from '../tolerate.ts'
import { type PosixRule, parsePosixRule, sampleOffsets } from './posix-rule.ts'
import { forgetZones, isZone, offsetAt } from './zone.ts'

/** The time zone of schedules that name none. */
export interface MachineZone {
  /** A zone of Intl: `Europe/Berlin`, `UTC`, `+05:30`. */
  zone: string
  /** Why UTC is used although the machine has another zone; normally null. */
  problem: string | null
}

export interface MachineZoneSources {
  /** The environment's TZ. */
  tz: string | undefined
  localtime?: string
  /** Debian's /etc/timezone, which names the zone whose copy is /etc/localtime. */
  timezone?: string
}

/** Reads TZ as libc does: a name, a file, or a POSIX rule; without it /etc/localtime, a link or a file. */
export function resolveMachineZone(sources: MachineZoneSources): MachineZone {
  const { tz, localtime = '/etc/localtime', timezone = '/etc/timezone' } = sources
  const hints = [readLine(timezone), new Intl.DateTimeFormat().resolvedOptions().timeZone]
  const usual = hints.filter((hint): hint is string => hint !== undefined && isZone(hint))
  try {
    const zone = tz === undefined ? zoneOfLocaltime(localtime, usual) : zoneOfTz(tz.replace(/^:/, ''), usual)
    return { zone, problem: null }
  } catch (error) {
    const what = tz === undefined ? localtime : `TZ=${tz}`
    const then = 'Schedules without a zone run in UTC: correct it, or write TZ=Area/City before them'
    return { zone: 'UTC', problem: `Cannot use the time zone ${what}: ${messageOf(error)}. ${then}` }
  }
}

function zoneOfTz(tz: string, usual: readonly string[]): string {
  if (tz === '') return 'UTC'
  const name = tz.replace(/^(?:posix|right)\//, '')
  if (isZone(name)) return name
  if (tz.startsWith('/')) return zoneOfFile(tz, usual)
  const rule = parsePosixRule(tz)
  if (rule) return zoneOfRule(tz, rule, usual)
  throw new Error('it does not exist, expected a name such as Europe/Berlin')
}

/** A machine without /etc/localtime uses UTC. */
function zoneOfLocaltime(path: string, usual: readonly string[]): string {
  return tolerateSync(['ENOENT'], () => zoneOfFile(path, usual), 'UTC')
}

function zoneOfFile(path: string, usual: readonly string[]): string {
  const named = [path, realpathSync(path)].map(nameInPath).find((name) => name !== undefined)
  if (named !== undefined) return named
  const text = readFileSync(path, 'latin1')
  if (!text.startsWith('TZif')) throw new Error('it is not a time zone file')
  const footer = text.trimEnd().split('\n').at(-1) ?? ''
  const rule = parsePosixRule(footer)
  if (!rule) throw new Error('the file has no rule for the present time')
  return zoneOfRule(footer, rule, usual)
}

function nameInPath(path: string): string | undefined {
  const name = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(path)?.[1]
  return name !== undefined && isZone(name) ? name : undefined
}

/** Finds a zone with the same offsets in this year and the next two. */
function zoneOfRule(text: string, rule: PosixRule, usual: readonly string[]): string {
  if (!rule.daylight) return fixedZone(rule.standardMs)
  const year = new Date().getUTCFullYear()
  const samples = sampleOffsets(rule, [year, year + 1, year + 2])
  const fits = (zone: string) =>
    samples.every(({ instant, offsetMs }) => offsetAt(zone, instant) === offsetMs)
  const zone = [...usual, ...Intl.supportedValuesOf('timeZone')].find(fits)
  forgetZones()
  if (zone === undefined) throw new Error(`no known time zone has the clock changes of ${text}`)
  return zone
}

function fixedZone(offsetMs: number): string {
  if (offsetMs === 0) return 'UTC'
  const minutes = Math.abs(offsetMs) / 60_000
  const zone = `${offsetMs < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`
  if (!/^[+-](?:[01]\d|2[0-3]):[0-5]\d$/.test(zone))
    throw new Error('its offset from UTC is not a time of day')
  return zone
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

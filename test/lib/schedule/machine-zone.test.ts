import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { resolveMachineZone } from '../../../src/lib/schedule/machine-zone.ts'
import { offsetAt } from '../../../src/lib/schedule/zone.ts'

const ZONES = '/usr/share/zoneinfo'
const needsZones = test.skipIf(!existsSync(`${ZONES}/Europe/Berlin`))
const NOWHERE = '/nowhere/at/all'
const HOUR = 3_600_000
const SUMMER = Date.UTC(2026, 6, 1)
const WINTER = Date.UTC(2026, 0, 1)

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'backupd-zone-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const ofTz = (tz: string) => resolveMachineZone({ tz, localtime: NOWHERE, timezone: NOWHERE })
const offsetsOf = (zone: string) => [offsetAt(zone, WINTER) / HOUR, offsetAt(zone, SUMMER) / HOUR]

describe('TZ', () => {
  test.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    [':Europe/Berlin', 'Europe/Berlin'],
    ['posix/Europe/Berlin', 'Europe/Berlin'],
    ['UTC', 'UTC'],
    ['', 'UTC'],
    ['UTC0', 'UTC'],
    ['<+0530>-5:30', '+05:30'],
    ['<-03>3', '-03:00'],
  ])('%s means %s', (tz, zone) => {
    expect(ofTz(tz)).toEqual({ zone, problem: null })
  })

  test.each<[string, number, number]>([
    ['CET-1CEST,M3.5.0,M10.5.0/3', 1, 2],
    ['CET-1CEST-2,M3.5.0/2:00:00,M10.5.0/3', 1, 2],
    ['EST5EDT,M3.2.0,M11.1.0', -5, -4],
    ['PST8PDT', -8, -7],
    ['AEST-10AEDT,M10.1.0,M4.1.0/3', 11, 10],
    ['<-02>2<-01>,M3.5.0/-1,M10.5.0/0', -2, -1],
  ])('the rule %s means a zone with the same clock changes', (tz, winter, summer) => {
    const { zone, problem } = ofTz(tz)
    expect(problem).toBeNull()
    expect(offsetsOf(zone)).toEqual([winter, summer])
  })

  needsZones('a file means the zone that it is', () => {
    expect(ofTz(`${ZONES}/Europe/Berlin`)).toEqual({ zone: 'Europe/Berlin', problem: null })
    expect(ofTz(`:${ZONES}/Europe/Berlin`)).toEqual({ zone: 'Europe/Berlin', problem: null })
  })

  test.each(['Europe/Berln', 'CET-1CEST,J60,J300', 'CET-1CEST,M3.5.0,M10.5.0/4', NOWHERE, '+05:30', 'A-1'])(
    'an invalid value is reported and means UTC: %s',
    (tz) => {
      const { zone, problem } = ofTz(tz)
      expect(zone).toBe('UTC')
      expect(problem).toMatch(
        /^Cannot use the time zone TZ=.*correct it, or write TZ=Area\/City before them$/,
      )
    },
  )
})

describe('/etc/localtime, if there is no TZ', () => {
  const of = (localtime: string, timezone = NOWHERE) =>
    resolveMachineZone({ tz: undefined, localtime, timezone })

  test('is UTC on a machine without it', () => {
    expect(of(NOWHERE)).toEqual({ zone: 'UTC', problem: null })
  })

  needsZones('a link means the zone that it leads to', () => {
    const link = join(folder(), 'localtime')
    symlinkSync(`${ZONES}/Europe/Berlin`, link)
    expect(of(link)).toEqual({ zone: 'Europe/Berlin', problem: null })
  })

  needsZones('a copy, as a bind mount makes it, means a zone with its rule', () => {
    const path = folder()
    copyFileSync(`${ZONES}/Europe/Berlin`, join(path, 'localtime'))
    const { zone, problem } = of(join(path, 'localtime'))
    expect(problem).toBeNull()
    expect(offsetsOf(zone)).toEqual([1, 2])
    writeFileSync(join(path, 'timezone'), 'Europe/Berlin\n')
    expect(of(join(path, 'localtime'), join(path, 'timezone')).zone).toBe('Europe/Berlin')
    writeFileSync(join(path, 'timezone'), 'Asia/Tokyo\n')
    expect(offsetsOf(of(join(path, 'localtime'), join(path, 'timezone')).zone)).toEqual([1, 2])
  })

  test('is reported if it is not a zone', () => {
    const file = join(folder(), 'localtime')
    writeFileSync(file, 'Europe/Berlin\n')
    expect(of(file)).toEqual({
      zone: 'UTC',
      problem: expect.stringContaining(`Cannot use the time zone ${file}: it is not a time zone file`),
    })
  })
})

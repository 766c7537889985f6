import { expect, test } from 'vitest'
import { DrillRound } from '../../src/engine/drill-round.ts'
import type { NightRun } from '../../src/engine/verify-night.ts'
import { jobSchema } from '../../src/wire/job.ts'
import { sampleRun } from '../support/daemon-kit.ts'
import { keepingLog } from '../support/keeping-log.ts'

const job = jobSchema.parse({ id: '0a000001-drill', spec: '@weekly', action: 'backup_drill_due', args: {} })

/** A round over these backups, each with the code of its error; '' for a success. */
function roundOf(due: Record<string, string>, { isUsable = true, present = job } = {}) {
  const drilled: unknown[] = []
  const ran: NightRun[] = []
  const isAwake = { now: true }
  const next = Object.keys(due).map((backup) => {
    return {
      app: 'a',
      proc: 'p',
      backup,
      namespace: '10.0.0.1',
      mode: 'full',
      source: `/srv/${backup}`,
      bytes: 1,
    }
  })
  const round = new DrillRound({
    log: keepingLog(),
    place: { check: async () => isUsable },
    findJob: () => (isAwake.now ? present : undefined),
    async run(request) {
      ran.push(request)
      if (request.action === 'backup_drill_due')
        return sampleRun().at('success', { result: { next, tooLarge: 0 } as never })
      drilled.push(request.args.backup)
      const code = due[String(request.args.backup)] ?? ''
      if (code === '') return sampleRun().at('success', {})
      const error = { code, message: 'failed', facts: {} } as never
      return sampleRun().at(code === 'CANCELLED' ? 'cancelled' : 'failed', { error })
    },
  })
  return { round, drilled, ran, isAwake }
}

test('a round drills each backup once, and gives way to all other runs', async () => {
  const { round, drilled, ran } = roundOf({
    a: '',
    b: 'ARCHIVE_CORRUPT',
    c: 'SIGNATURE_BAD',
    d: 'NOT_FOUND',
    e: '',
  })
  round.begin(job)
  await expect.poll(() => drilled).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(ran.slice(1).every(({ idle, action }) => idle && action === 'backup_drill')).toBe(true)
})

test('three failures in a row that are not about a backup end the round', async () => {
  const { round, drilled } = roundOf({
    a: 'STORE_UNAVAILABLE',
    b: 'NO_ROOM',
    c: 'STORE_UNAVAILABLE',
    d: '',
  })
  round.begin(job)
  await expect.poll(() => drilled).toHaveLength(3)
  await new Promise(setImmediate)
  expect(drilled).toEqual(['a', 'b', 'c'])
})

test('a cancelled drill ends the round', async () => {
  const { round, drilled } = roundOf({ a: 'CANCELLED', b: '' })
  round.begin(job)
  await expect.poll(() => drilled).toHaveLength(1)
  await new Promise(setImmediate)
  expect(drilled).toEqual(['a'])
})

test('while the directory for drills cannot be used, nothing runs', async () => {
  const { round, ran } = roundOf({ a: '' }, { isUsable: false })
  round.begin(job)
  await new Promise(setImmediate)
  expect(ran).toEqual([])
})

test('what failed comes last in the next round, so that it keeps nothing else from its turn', async () => {
  const { round, drilled } = roundOf({ a: 'NO_ROOM', b: 'NO_ROOM', c: 'NO_ROOM', d: '', e: '' })
  round.begin(job)
  await expect.poll(() => drilled).toEqual(['a', 'b', 'c'])
  await new Promise(setImmediate)
  drilled.length = 0
  round.begin(job)
  await expect.poll(() => drilled).toEqual(['d', 'e', 'a', 'b', 'c'])
})

test('a volume that left the inventory meanwhile is not drilled', async () => {
  const present = { ...job, args: { sources: ['/srv/b'] } }
  const { round, drilled } = roundOf({ a: '', b: '', c: '' }, { present })
  round.begin(job)
  await expect.poll(() => drilled).toEqual(['b'])
  await new Promise(setImmediate)
  expect(drilled).toEqual(['b'])
})

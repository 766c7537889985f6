import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import { testFolder } from '../support/real-controller.ts'
import type { Asker } from '../support/record-end.ts'

const LONG = { timeout: 120_000 }
const SIZE = 3_000_000
const shop = given
  .app('shop')
  .proc('web')
  .volume('/data/db')
  .files({ file: Buffer.alloc(SIZE, 'abcdefg') })
const OF = { app: 'shop', proc: 'web' }

interface Told {
  start: string
  end: string
  phases: { name: string; start: string; end: string; bytes: number }[]
}

/** The phases of a run that has ended: they follow each other from its start to its end. */
async function readPhases(ask: Asker, rid: string): Promise<[string, number][]> {
  const query = 'query ($rid: ID!) { record(rid: $rid) { start end phases { name start end bytes } } }'
  const { record } = await ask<{ record: Told }>(query, { rid })
  const { start, end, phases } = record
  const turns = phases.slice(1).map((phase) => phase.start)
  expect(phases.map((phase) => phase.end)).toEqual([...turns, end])
  expect([start, ...turns].toSorted()).toEqual([start, ...turns])
  return phases.map(({ name, bytes }) => [name, bytes])
}

/** Starts a run by a mutation and returns its phases. */
async function phasesOf(
  { ask, ended }: { ask: Asker; ended(rid: string): Promise<{ state: string }> },
  mutation: string,
  variables: object,
): Promise<[string, number][]> {
  const answer = await ask<{ run: { rid: string } }>(mutation, variables)
  expect(await ended(answer.run.rid)).toMatchObject({ state: 'SUCCESS' })
  return await readPhases(ask, answer.run.rid)
}

const RECOVER = 'mutation ($input: RecoverInput!) { run: recover(input: $input) { rid } }'
const MIGRATE = 'mutation ($input: MigrateInput!) { run: migrate(input: $input) { rid } }'
const VERIFY = 'mutation ($name: ID!) { run: verifyBackup(app: "shop", proc: "web", name: $name) { rid } }'

test('a full backup, and what is done with it, has phases', LONG, async () => {
  const recoverDir = await testFolder()
  const running = await shop.running({ recoverDir })
  const { ask, backUp } = running
  const made = await backUp()
  expect(await readPhases(ask, made.rid)).toEqual([
    ['start', 0],
    ['pack', SIZE],
    ['recheck', 0],
    ['publish', 0],
  ])
  const backup = made.result?.file ?? ''
  const restored = [
    ['start', 0],
    ['unpack', SIZE],
    ['swap', 0],
  ]
  expect(await phasesOf(running, RECOVER, { input: { ...OF, backup } })).toEqual(restored)
  const toDirectory = join(recoverDir, 'db')
  expect(await phasesOf(running, RECOVER, { input: { ...OF, backup, toDirectory } })).toEqual(restored)
  const [, verified] = await phasesOf(running, VERIFY, { name: backup })
  expect(verified).toEqual(['verify', expect.any(Number)])
  expect(verified?.[1]).toBeGreaterThan(0)
})

test('an increment, and what is done with it, has phases', LONG, async () => {
  const running = await shop.schedule({ mode: 'increment' }).running()
  const { ask, backUp } = running
  const made = await backUp()
  expect(await readPhases(ask, made.rid)).toEqual([
    ['start', 0],
    ['snapshot', SIZE],
    ['recheck', 0],
    ['publish', 0],
  ])
  const backup = made.result?.file ?? ''
  const migrate = { ...OF, backup, to: 1, volume: '/data/db' }
  expect((await phasesOf(running, MIGRATE, { input: migrate })).slice(0, 2)).toEqual([
    ['start', 0],
    ['unpack', SIZE],
  ])
  expect((await phasesOf(running, VERIFY, { name: backup }))[1]?.[0]).toBe('verify')
})

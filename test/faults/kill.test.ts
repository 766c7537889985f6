import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  hasEnded,
  type KillableProgram,
  type LiveRecord,
  makeKillableProgram,
  type Running,
  startBackup,
  startRecover,
  waitForEntry,
  waitForRecord,
} from '../support/killable-program.ts'
import { ask } from '../support/standalone.ts'

/** A moment of a run; resolves when it has come. */
type Moment = (run: { running: Running; rid: string; world: KillableProgram }) => Promise<unknown>

const sizeOrNone = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const backupMoments: [string, Moment][] = [
  ['as it starts', ({ running, rid }) => waitForRecord(running, rid, ({ state }) => state === 'RUNNING')],
  [
    'when progress is told',
    ({ running, rid }) => waitForRecord(running, rid, ({ progress }) => (progress?.bytesDone ?? 0) > 0),
  ],
  [
    'when half of the archive is written',
    ({ world }) =>
      waitForEntry(world.store, (names) =>
        names.find(
          (name) => name.includes('.tar.gz.part-') && sizeOrNone(join(world.store, name)) > 16_000_000,
        ),
      ),
  ],
]

/** Nothing in GraphQL says that something is under way or half there; that a run failed is a problem until the next. */
async function expectSettled({ url }: Running, expected: { backups: number }): Promise<void> {
  const query = `{ records(filter: { states: [QUEUED, RUNNING, LOST] }) { totalCount }
    backups { totalCount nodes { good corrupt } } servers { problems }
    jobs(filter: { action: "backup" }) { lastRecord { state progress { phase } } } }`
  const { records, backups, servers } = await ask<{
    records: object
    backups: { totalCount: number; nodes: object[] }
    servers: { problems: string[] }[]
  }>(url, query)
  expect(records).toEqual({ totalCount: 0 })
  expect(backups).toEqual({
    totalCount: expected.backups,
    nodes: Array.from({ length: expected.backups }, () => ({ good: true, corrupt: null })),
  })
  const problems = servers.flatMap((server) => server.problems)
  expect(problems.filter((problem) => !/^The (full backup|recover) of .* failed: /.test(problem))).toEqual([])
}

async function kill({ program }: Running): Promise<void> {
  program.process.kill('SIGKILL')
  await program.ended
}

async function backUp(running: Running): Promise<LiveRecord> {
  return waitForRecord(running, await startBackup(running), hasEnded)
}

const RESTARTED = {
  state: 'FAILED',
  reason: expect.stringMatching(/^The daemon stopped while this ran\b/),
  error: { code: 'DAEMON_RESTARTED' },
}

/** A program takes seconds to start: one is killed again and again, and what it left is settled by the next. */
const LONG = { timeout: 300_000 }

test('a backup killed at any moment fails, leaves nothing, and the next one works', LONG, async () => {
  const world = await makeKillableProgram()
  let running = await world.start()
  for (const [when, moment] of backupMoments) {
    const rid = await startBackup(running)
    await moment({ running, rid, world })
    await kill(running)

    running = await world.start()
    expect(await waitForRecord(running, rid, hasEnded), when).toMatchObject(RESTARTED)
    expect(world.objects(), when).toEqual([])
    await expectSettled(running, { backups: 0 })
  }
  expect((await backUp(running)).state).toBe('SUCCESS')
  expect(world.objects()).toHaveLength(3)
  await expectSettled(running, { backups: 1 })
})

const pointerSays =
  (phase: string): Moment =>
  ({ rid, world }) =>
    waitForEntry(world.recovers, (names) => {
      if (!names.includes(`${rid}.json`)) return undefined
      return (
        JSON.parse(readFileSync(join(world.recovers, `${rid}.json`), 'utf8')).phase === phase || undefined
      )
    })

const recoverMoments: [string, Moment][] = [
  ['as it starts', ({ running, rid }) => waitForRecord(running, rid, ({ state }) => state === 'RUNNING')],
  ['when its staging is made', pointerSays('staging')],
  [
    'when it says that it unpacks',
    ({ running, rid }) => waitForRecord(running, rid, ({ progress }) => progress?.phase === 'unpack'),
  ],
  ['in the swap', pointerSays('swap')],
]

const recoverKilled =
  'killed in a recover, at any moment: the volume is wholly old or wholly new, the next one works'

test(recoverKilled, LONG, async () => {
  const { world, backup, fresh, ...first } = await backedUp()
  let { running } = first
  for (const [when, moment] of recoverMoments) {
    world.damage()
    const old = world.digest()
    const rid = await startRecover(running, backup)
    await moment({ running, rid, world })
    await kill(running)

    running = await world.start()
    const ended = await waitForRecord(running, rid, hasEnded)
    expect(ended, when).toMatchObject(RESTARTED)
    expect(world.leftOvers(), when).toEqual([])
    expect(world.digest(), when).toBe(ended.reason?.includes('and finished it') ? fresh : old)
    await expectSettled(running, { backups: 1 })

    const next = await waitForRecord(running, await startRecover(running, backup), hasEnded)
    expect(next, when).toMatchObject({ state: 'SUCCESS', error: null })
    expect(world.digest(), when).toBe(fresh)
    expect(world.leftOvers(), when).toEqual([])
  }
  expect((await backUp(running)).state).toBe('SUCCESS')
})

async function backedUp() {
  const world = await makeKillableProgram()
  const running = await world.start()
  const { state, result } = await backUp(running)
  expect(state).toBe('SUCCESS')
  return { world, running, backup: result?.file ?? '', fresh: world.digest() }
}

/** Its staging is gone: it was quicker than we. */
function doneAlready(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}

test('a recover killed after the decision has the new content, and nothing of the old is left', async () => {
  const { world, running, backup, fresh } = await backedUp()
  world.damage()
  const rid = await startRecover(running, backup)
  await pointerSays('swap')({ running, rid, world })
  const staging = join(world.folder, `.backupd-recover-${rid}`)
  const isDecided = () =>
    readFileSync(join(staging, 'journal'), 'utf8').endsWith('["committed"]\n') || undefined
  await waitForEntry(staging, isDecided).catch(doneAlready)
  await kill(running)

  const again = await world.start()
  // It may have told of its end before it was killed.
  const { state, error } = await waitForRecord(again, rid, hasEnded)
  expect(error?.code ?? state).toMatch(/^(DAEMON_RESTARTED|SUCCESS)$/)
  expect(world.digest()).toBe(fresh)
  expect(world.leftOvers()).toEqual([])
  await expectSettled(again, { backups: 1 })
})

test('killing only the process of a backup gives RUNNER_DIED, and the daemon continues', async () => {
  const world = await makeKillableProgram()
  const running = await world.start()
  const rid = await startBackup(running)
  await waitForRecord(running, rid, ({ progress }) => (progress?.bytesDone ?? 0) > 0)
  const pid = world.runnerOf(rid)
  process.kill(pid, 'SIGKILL')
  const ended = await waitForRecord(running, rid, hasEnded)
  expect(ended).toMatchObject({ state: 'FAILED', error: { code: 'RUNNER_DIED' } })
  expect(ended.reason).toBe(
    `The process ${pid} of the run was killed by SIGKILL (out of memory, or by hand): see the log, then run it again`,
  )
  await expectSettled(running, { backups: 0 })
  expect((await backUp(running)).state).toBe('SUCCESS')
  await expectSettled(running, { backups: 1 })
  await kill(running)
  const again = await world.start()
  await expectSettled(again, { backups: 1 })
  expect(world.objects().filter((name) => name.includes('.part-'))).toEqual([])
})

const processKilled =
  'only the process of a recover is killed, at any moment: RUNNER_DIED, the next one ends what is left'

test(processKilled, LONG, async () => {
  const { world, running, backup, fresh } = await backedUp()
  for (const [when, moment] of recoverMoments.slice(1)) {
    world.damage()
    const rid = await startRecover(running, backup)
    await moment({ running, rid, world })
    process.kill(world.runnerOf(rid), 'SIGKILL')
    expect(await waitForRecord(running, rid, hasEnded), when).toMatchObject({
      state: 'FAILED',
      error: { code: 'RUNNER_DIED' },
    })

    const next = await waitForRecord(running, await startRecover(running, backup), hasEnded)
    expect(next, when).toMatchObject({ state: 'SUCCESS', error: null })
    expect(world.digest(), when).toBe(fresh)
    expect(world.leftOvers(), when).toEqual([])
    await expectSettled(running, { backups: 1 })
  }
})

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  foundIn,
  hasEnded,
  type KillWorld,
  killWorld,
  type LiveRecord,
  type Running,
  recordWhen,
  startBackup,
  startRecover,
} from '../support/kill-world.ts'
import { ask } from '../support/standalone.ts'

/** A moment of a run; resolves when it has come. */
type Moment = (run: { running: Running; rid: string; world: KillWorld }) => Promise<unknown>

const sizeOrNone = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const backupMoments: [string, Moment][] = [
  ['as it starts', ({ running, rid }) => recordWhen(running, rid, ({ state }) => state === 'RUNNING')],
  [
    'when progress is told',
    ({ running, rid }) => recordWhen(running, rid, ({ progress }) => (progress?.bytesDone ?? 0) > 0),
  ],
  [
    'when half of the archive is written',
    ({ world }) =>
      foundIn(world.store, (names) =>
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
  return recordWhen(running, await startBackup(running), hasEnded)
}

const RESTARTED = {
  state: 'FAILED',
  reason: expect.stringMatching(/^The daemon stopped while this ran\b/),
  error: { code: 'DAEMON_RESTARTED' },
}

test.each(backupMoments)(
  'killed in a backup, %s: it failed, nothing of it is left, the next one works',
  async (_, moment) => {
    const world = await killWorld()
    const running = await world.start()
    const rid = await startBackup(running)
    await moment({ running, rid, world })
    await kill(running)

    const again = await world.start()
    expect(await recordWhen(again, rid, hasEnded)).toMatchObject(RESTARTED)
    expect(world.objects()).toEqual([])
    await expectSettled(again, { backups: 0 })

    const next = await backUp(again)
    expect(next.state).toBe('SUCCESS')
    expect(world.objects()).toHaveLength(3)
    await expectSettled(again, { backups: 1 })
  },
)

const pointerSays =
  (phase: string): Moment =>
  ({ rid, world }) =>
    foundIn(world.recovers, (names) => {
      if (!names.includes(`${rid}.json`)) return undefined
      return (
        JSON.parse(readFileSync(join(world.recovers, `${rid}.json`), 'utf8')).phase === phase || undefined
      )
    })

const recoverMoments: [string, Moment][] = [
  ['as it starts', ({ running, rid }) => recordWhen(running, rid, ({ state }) => state === 'RUNNING')],
  ['when its staging is made', pointerSays('staging')],
  [
    'when it says that it unpacks',
    ({ running, rid }) => recordWhen(running, rid, ({ progress }) => progress?.phase === 'unpack'),
  ],
  ['in the swap', pointerSays('swap')],
]

test.each(recoverMoments)(
  'killed in a recover, %s: the volume is wholly old or wholly new, the next one works',
  async (_, moment) => {
    const world = await killWorld()
    const running = await world.start()
    const { state, result } = await backUp(running)
    expect(state).toBe('SUCCESS')
    const fresh = world.digest()
    world.damage()
    const old = world.digest()
    const rid = await startRecover(running, result?.file ?? '')
    await moment({ running, rid, world })
    await kill(running)

    const again = await world.start()
    const ended = await recordWhen(again, rid, hasEnded)
    expect(ended).toMatchObject(RESTARTED)
    expect(world.leftOvers()).toEqual([])
    expect(world.digest()).toBe(ended.reason?.includes('and finished it') ? fresh : old)
    await expectSettled(again, { backups: 1 })

    const next = await recordWhen(again, await startRecover(again, result?.file ?? ''), hasEnded)
    expect(next).toMatchObject({ state: 'SUCCESS', error: null })
    expect(world.digest()).toBe(fresh)
    expect(world.leftOvers()).toEqual([])
    expect((await backUp(again)).state).toBe('SUCCESS')
  },
)

/** Its staging is gone: it was quicker than we. */
function doneAlready(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}

test('killed in a recover once it is decided: the volume is wholly new, nothing of the old is left', async () => {
  const world = await killWorld()
  const running = await world.start()
  const { result } = await backUp(running)
  const fresh = world.digest()
  world.damage()
  const rid = await startRecover(running, result?.file ?? '')
  await pointerSays('swap')({ running, rid, world })
  const staging = join(world.folder, `.backupd-recover-${rid}`)
  const isDecided = () =>
    readFileSync(join(staging, 'journal'), 'utf8').endsWith('["committed"]\n') || undefined
  await foundIn(staging, isDecided).catch(doneAlready)
  await kill(running)

  const again = await world.start()
  // It may have told of its end before it was killed.
  const { state, error } = await recordWhen(again, rid, hasEnded)
  expect(error?.code ?? state).toMatch(/^(DAEMON_RESTARTED|SUCCESS)$/)
  expect(world.digest()).toBe(fresh)
  expect(world.leftOvers()).toEqual([])
  await expectSettled(again, { backups: 1 })
})

test('only the process of a backup is killed: RUNNER_DIED, the program goes on', async () => {
  const world = await killWorld()
  const running = await world.start()
  const rid = await startBackup(running)
  await recordWhen(running, rid, ({ progress }) => (progress?.bytesDone ?? 0) > 0)
  const pid = world.runnerOf(rid)
  process.kill(pid, 'SIGKILL')
  const ended = await recordWhen(running, rid, hasEnded)
  expect(ended).toMatchObject({ state: 'FAILED', error: { code: 'RUNNER_DIED' } })
  expect(ended.reason).toBe(
    `The process ${pid} that ran it was killed by SIGKILL (out of memory, or by hand): see the log, then run it again`,
  )
  await expectSettled(running, { backups: 0 })
  expect((await backUp(running)).state).toBe('SUCCESS')
  await expectSettled(running, { backups: 1 })
  await kill(running)
  const again = await world.start()
  await expectSettled(again, { backups: 1 })
  expect(world.objects().filter((name) => name.includes('.part-'))).toEqual([])
})

test.each(recoverMoments.slice(1))(
  'only the process of a recover is killed, %s: RUNNER_DIED, the next one ends what is left',
  async (_, moment) => {
    const world = await killWorld()
    const running = await world.start()
    const { result } = await backUp(running)
    const fresh = world.digest()
    world.damage()
    const rid = await startRecover(running, result?.file ?? '')
    await moment({ running, rid, world })
    process.kill(world.runnerOf(rid), 'SIGKILL')
    expect(await recordWhen(running, rid, hasEnded)).toMatchObject({
      state: 'FAILED',
      error: { code: 'RUNNER_DIED' },
    })

    const next = await recordWhen(running, await startRecover(running, result?.file ?? ''), hasEnded)
    expect(next).toMatchObject({ state: 'SUCCESS', error: null })
    expect(world.digest()).toBe(fresh)
    expect(world.leftOvers()).toEqual([])
    await expectSettled(running, { backups: 1 })
  },
)

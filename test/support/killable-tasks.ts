import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { volumeTree } from '../../src/restic/read/volume-tree.ts'
import { restoreTree } from '../../src/restic/restore/restore-tree.ts'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { collect } from './collect.ts'
import { given } from './given.ts'
import { RandomEdits } from './random-edits.ts'
import { REPOSITORY } from './repository-samples.ts'
import { openForTasks, pointsOf, runTask, type Task } from './repository-tasks.ts'
import { suicidalDriver } from './suicidal-driver.ts'
import { openTaskStore } from './task-store.ts'
import { compareTrees } from './tree-compare.ts'

const CHILD = fileURLToPath(new URL('../programs/repository-child-main.ts', import.meta.url))

/** A repository and a volume that changes, with tasks that run to their end or are killed. */
export async function makeKillableTasks(seed: number, bucket?: S3Settings) {
  const world = await given.repository({ bucket })
  const { dir, open, place, volume } = world
  const driver = suicidalDriver(openTaskStore(dir, bucket), 0)
  const repository = await openForTasks(driver)
  onTestFinished(() => repository[Symbol.asyncDispose]())
  const callsToOpen = driver.calls
  const edits = new RandomEdits(volume, seed)
  edits.start()
  /** Copies of the volume at each point, by the snapshot's id. */
  const copies = new Map<string, string>()
  let made = 0

  /** Keeps a copy of the volume for new points, and removes those of deleted points. */
  async function remember(): Promise<void> {
    const ids = new Set((await pointsOf(repository)).map(({ id }) => id))
    for (const id of copies.keys()) if (!ids.has(id)) copies.delete(id)
    const fresh = [...ids].filter((id) => !copies.has(id))
    if (fresh.length === 0) return
    const copy = join(dir, `copy-${made++}`)
    execFileSync('cp', ['-a', volume, copy])
    for (const id of fresh) copies.set(id, copy)
  }

  /** Runs a task to its end in this process; returns what it took. */
  async function complete(task: Task): Promise<{ calls: number; ms: number }> {
    const before = driver.calls
    const started = performance.now()
    await runTask(task, dir, repository)
    const calls = callsToOpen + driver.calls - before
    const ms = performance.now() - started
    await remember()
    return { calls, ms }
  }

  /**
   * Runs a task in a process that is killed at its nth call to the store, or after a time. Returns whether it was
   * killed.
   */
  async function kill(task: Task, moment: { nth: number } | { ms: number }): Promise<boolean> {
    const nth = 'nth' in moment ? moment.nth : 0
    const child = fork(CHILD, [task, dir, String(nth), JSON.stringify(bucket ?? null)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const ended = once(child, 'exit')
    await Promise.race([once(child, 'message'), ended])
    const timer = 'ms' in moment ? setTimeout(() => child.kill('SIGKILL'), moment.ms) : undefined
    const [code, signal] = await ended
    clearTimeout(timer)
    if (signal === null && code !== 0) throw new Error(`the ${task} ended with ${code}`)
    await remember()
    return signal === 'SIGKILL'
  }

  /** The differences between each point and its copy of the volume. */
  async function differences(): Promise<string[]> {
    const repository = await open()
    await repository.loadIndex()
    const found: string[] = []
    for (const { id, snapshot } of await pointsOf(repository)) {
      const target = join(dir, 'restored')
      mkdirSync(target)
      await restoreTree({
        source: repository,
        volume: await volumeTree(repository, snapshot),
        target,
        signal: new AbortController().signal,
        onProgress: () => {},
        onWarning: ({ message }) => void found.push(`${id}: ${message}`),
      })
      found.push(...compareTrees(copies.get(id) ?? '', target, { ignoreRoot: true }))
      rmSync(target, { recursive: true })
    }
    return found
  }

  /** Leftovers: locks, partly written files, and packs that no index names. */
  async function leftOvers(): Promise<string[]> {
    const repository = await open()
    const index = await repository.loadIndex()
    const packs = await Array.fromAsync(repository.listPacks(), ({ id }) => id)
    const namesIn = async (folder: string) =>
      (await collect(place.driver.names(`${REPOSITORY}/${folder}`))).map(({ name }) => name)
    return [
      ...(await namesIn('locks')),
      ...(await namesIn('tmp')).filter((name) => name.startsWith('backupd-')),
      ...readdirSync(join(dir, 'daemon/repository-locks')),
      ...packs.filter((id) => index.packNumber(id) === undefined),
    ]
  }

  return { ...world, place, edits, complete, kill, differences, leftOvers }
}

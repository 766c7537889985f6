import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Driver } from '../../../src/objects/driver.ts'
import { createRepository } from '../../../src/restic/repository/create-repository.ts'
import { openRepository } from '../../../src/restic/repository/open-repository.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { makeSnapshot } from '../../../src/restic/write/make-snapshot.ts'
import type { MakeSnapshotInput, SnapshotSummary } from '../../../src/restic/write/snapshot-input.ts'
import type { S3Settings } from '../../../src/wire/store-settings.ts'
import { onEnd } from '../lifetime.ts'
import { parentOf } from '../repository-content.ts'
import { FACTS, NO_LOCK, PASSWORD, REPOSITORY } from '../repository-samples.ts'
import { restic } from '../restic.ts'
import { IP } from '../store-samples.ts'
import { openTaskStore, resticPlace } from '../task-store.ts'
import { tempDir } from '../temp-dir.ts'
import { writeContent } from './content.ts'
import { checkStarted, type Facts } from './facts.ts'
import { makeSeveral, type Several } from './several.ts'

export interface RepositoryOptions {
  /** The driver over the store in `dir`; local if absent. */
  driverOf?: (dir: string) => Driver
  /** The store is in this bucket instead. */
  bucket?: S3Settings | undefined
}

export type SnapshotOptions = Partial<MakeSnapshotInput> & { from?: string }

export type UnmadeRepository = ReturnType<typeof prepareRepository>
export type GivenRepository = UnmadeRepository & { repository: Repository }

export type FilledRepository<Snapshots extends number> = GivenRepository & {
  snapshots: Several<SnapshotSummary, Snapshots>
}

/** A repository in a store, with the described snapshots of the volume beside it. */
export async function startRepository<Snapshots extends number>(
  facts: Facts<number, Snapshots>,
  options: RepositoryOptions = {},
): Promise<FilledRepository<Snapshots>> {
  checkStarted(facts, 'repository')
  const prepared = prepareFolders(facts, options)
  const repository = await prepared.create()
  const snapshots = await makeSeveral(facts.snapshots, () => prepared.snapshot(repository))
  return { ...prepared, repository, snapshots }
}

/** A folder for a store whose repository is not created yet, a volume beside it, and restic to check it. */
export function prepareRepository(facts: Facts, options: RepositoryOptions = {}) {
  checkStarted(facts, 'unmadeRepository')
  return prepareFolders(facts, options)
}

function prepareFolders({ files }: Facts, { bucket, driverOf }: RepositoryOptions) {
  const dir = tempDir()
  const [path, volume, passwordFile] = [join(dir, REPOSITORY), join(dir, 'volume'), join(dir, 'password')]
  writeFileSync(passwordFile, PASSWORD)
  mkdirSync(volume)
  for (const content of files) writeContent(volume, content)
  const place = { driver: driverOf?.(dir) ?? openTaskStore(dir, bucket), base: REPOSITORY }
  const { location, env } = bucket ? resticPlace(bucket, REPOSITORY) : { location: path, env: {} }
  const runRestic = restic(location, passwordFile, env)
  return {
    dir,
    path,
    volume,
    passwordFile,
    place,
    ...openers(place),
    ...snapshotMaker(volume),
    /** Runs restic on the repository; throws if it fails. */
    restic: runRestic,
    /** restic's full check; throws if it finds an error. */
    check: () => runRestic('check', '--read-data', '--no-lock'),
    /** Restores a snapshot with restic; returns the folder of the volume. */
    restored(id: string): string {
      const target = join(dir, `restored-${id.slice(0, 8)}`)
      runRestic('restore', id, '--target', target, ...(bucket ? ['--no-lock'] : []))
      return join(target, volume)
    },
  }
}

function openers(place: { driver: Driver; base: string }) {
  const warnings: string[] = []
  const clock = { ...systemClock, ms: Date.now(), now: () => clock.ms }
  const warn = (message: string) => void warnings.push(message)
  const optionsOf = (password: string) => ({ password: Buffer.from(password), clock, warn })
  return {
    warnings,
    clock,
    create: async () => closedAtEnd(await createRepository(place, optionsOf(PASSWORD))),
    open: async (password = PASSWORD, driver = place.driver) =>
      closedAtEnd(await openRepository({ ...place, driver }, optionsOf(password))),
  }
}

function closedAtEnd(repository: Repository): Repository {
  onEnd(() => repository[Symbol.asyncDispose]())
  return repository
}

/** The clock is ahead, so that no file is too young to trust its timestamps. */
function snapshotMaker(volume: string) {
  const treeWarnings: string[] = []
  const onWarning: MakeSnapshotInput['onWarning'] = ({ severity, path, message }) =>
    void treeWarnings.push(`${severity} ${path.toString('latin1')}: ${message}`)
  let made = 0
  return {
    /** `severity path: message` of all snapshots. */
    treeWarnings,
    /** A snapshot on top of `from`, if any. */
    async snapshot(repository: Repository, options: SnapshotOptions = {}): Promise<SnapshotSummary> {
      const { from, ...more } = options
      return await makeSnapshot({
        repository,
        lock: NO_LOCK,
        volume,
        hostname: IP,
        onWarning,
        onProgress: () => {},
        parent: from ? await parentOf(repository, from) : null,
        time: new Date(Date.now() + ++made * 3_600_000),
        describe: () => ({ tags: ['backup=test'], facts: FACTS }),
        signal: new AbortController().signal,
        ...more,
      })
    },
  }
}

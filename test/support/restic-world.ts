import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { systemClock } from '../../src/lib/clock.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { parseSnapshot, type SnapshotFile } from '../../src/restic/nodes/snapshot-file.ts'
import { type VolumeTree, volumeTree } from '../../src/restic/read/volume-tree.ts'
import { openRepository } from '../../src/restic/repository/open-repository.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import { restic } from './restic.ts'

const PASSWORD = 'correct horse battery staple'

/** A repository that restic made in a store of ours, in a folder that is gone afterwards. */
export class ResticWorld implements AsyncDisposable {
  readonly folder: string
  readonly store: string
  readonly restic: ReturnType<typeof restic>
  readonly warnings: string[] = []
  private opened: Repository[] = []

  private constructor(folder: string) {
    this.folder = folder
    this.store = `${folder}/store`
    mkdirSync(`${this.store}/10.0.0.1`, { recursive: true })
    writeFileSync(`${folder}/password`, PASSWORD)
    this.restic = restic(this.repository, `${folder}/password`)
  }

  static async make(): Promise<ResticWorld> {
    const world = new ResticWorld(await mkdtemp(`${tmpdir()}/restic-world-`))
    world.restic('init')
    return world
  }

  get repository(): string {
    return `${this.store}/10.0.0.1/repo`
  }

  /** Opened by us, with its index. */
  async open(): Promise<Repository> {
    const place = { driver: localDriver(this.store), base: '10.0.0.1/repo' }
    const warn = (message: string) => void this.warnings.push(message)
    const repository = await openRepository(place, {
      password: Buffer.from(PASSWORD),
      clock: systemClock,
      warn,
    })
    this.opened.push(repository)
    await repository.loadIndex()
    return repository
  }

  /** All snapshots, the oldest first. */
  async snapshots(repository: Repository): Promise<{ id: string; snapshot: SnapshotFile }[]> {
    const found: { id: string; snapshot: SnapshotFile }[] = []
    for await (const id of repository.listUnpacked('snapshots')) {
      found.push({ id, snapshot: parseSnapshot(id, await repository.loadUnpacked('snapshots', id)) })
    }
    return found.sort((a, b) => Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time))
  }

  /** The volume of the newest snapshot. */
  async newest(repository: Repository, path?: string): Promise<VolumeTree> {
    const newest = (await this.snapshots(repository)).at(-1)
    if (!newest) throw new Error('there is no snapshot')
    return await volumeTree(repository, newest.snapshot, path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const repository of this.opened) await repository[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true })
  }
}

import type { DaemonDebug } from '../../src/wire/daemon-api.ts'
import type { Inventory, InventorySchedule, InventoryVolume } from '../../src/wire/inventory.ts'
import type { Content } from './given/content.ts'
import { addProc, changeLastProc, changeLastVolume, type Facts, NOTHING } from './given/facts.ts'
import type { InMemory, InMemoryOptions } from './given/in-memory.ts'
import { toInventory } from './given/inventory.ts'
import { makeOnDisk } from './given/on-disk.ts'
import type { FilledPlugins, PluginsOptions } from './given/plugins.ts'
import type { FilledRepository, RepositoryOptions, UnmadeRepository } from './given/repository.ts'
import type { FilledRunning, RunningOptions } from './given/running.ts'
import type { ClaimedStore, ClaimOptions, StoreOptions, UnclaimedStore } from './given/store.ts'
import { subjectOf } from './given/subject.ts'

/**
 * Describes what a test starts from, in one line: first what exists, then the call that starts what is needed.
 * `given.app('shop').proc('web').on('10.0.0.1').volume('/data/db').withBackups(3).inMemory()`.
 * Each call returns a new value, so that tests of a file can share its first part. Whatever is started ends with the
 * test. The modules of the starting calls are loaded only by tests that make them.
 */
class Given<Backups extends number = number, Snapshots extends number = number> {
  readonly #facts: Facts<Backups, Snapshots>

  constructor(facts: Facts<Backups, Snapshots>) {
    this.#facts = facts
  }

  app(name: string): Given<Backups, Snapshots> {
    return this.#with({ apps: [...this.#facts.apps, { name, procs: [] }] })
  }

  /** @param name `web` means `<app>.web.web` */
  proc(name: string): Given<Backups, Snapshots> {
    return new Given(addProc(this.#facts, name))
  }

  /** The servers of the proc's instances 1, 2, … Each has a daemon. */
  on(...servers: string[]): Given<Backups, Snapshots> {
    return new Given(changeLastProc(this.#facts, (proc) => ({ ...proc, servers })))
  }

  /** A volume of every instance of the proc. Without an app and a proc before it: of `hello.web.web`. */
  volume(name: string, more: Partial<InventoryVolume> = {}): Given<Backups, Snapshots> {
    const volume = { name, more, schedules: [] }
    return new Given(changeLastProc(this.#facts, (proc) => ({ ...proc, volumes: [...proc.volumes, volume] })))
  }

  volumes(...names: string[]): Given<Backups, Snapshots> {
    return names.reduce<Given<Backups, Snapshots>>((so, name) => so.volume(name), this)
  }

  /** A schedule of the volume; `changes` to a full backup each day, which a volume without schedules has. */
  schedule(changes: Partial<InventorySchedule> = {}): Given<Backups, Snapshots> {
    return new Given(
      changeLastVolume(this.#facts, (volume) => ({ ...volume, schedules: [...volume.schedules, changes] })),
    )
  }

  /** Content of the volume, as its backups have it. */
  files(content: Content): Given<Backups, Snapshots> {
    return this.#with({ files: [...this.#facts.files, content] })
  }

  /** Content that was added to the volume after its backups. */
  changedTo(content: Content): Given<Backups, Snapshots> {
    return this.#with({ changes: [...this.#facts.changes, content] })
  }

  /** The volume is a mount of its own, an ext4 of 16 MiB. */
  onOwnMount(): Given<Backups, Snapshots> {
    return this.#with({ ownMount: true })
  }

  /** Full backups of the volume. */
  withBackups<Count extends number>(backups: Count): Given<Count, Snapshots> {
    return new Given({ ...this.#facts, subject: subjectOf(this.#facts), backups })
  }

  /** A series of increments of the volume. */
  withSnapshots<Count extends number>(snapshots: Count): Given<Backups, Count> {
    return new Given({ ...this.#facts, subject: subjectOf(this.#facts), snapshots })
  }

  /** The id of the daemon that claims the namespace of a store; `daemon-a` by default. */
  owner(owner: string): Given<Backups, Snapshots> {
    return this.#with({ owner })
  }

  /** A daemon, in the inventory or not. @param debug how it describes itself */
  daemon(ip: string, debug: Partial<DaemonDebug> = {}): Given<Backups, Snapshots> {
    return this.#with({ daemons: new Map(this.#facts.daemons).set(ip, debug) })
  }

  inventory(): Inventory {
    return toInventory(this.#facts)
  }

  /** Only folders: of the daemon's data, and the volume. */
  onDisk(): ReturnType<typeof makeOnDisk> {
    return makeOnDisk(this.#facts)
  }

  /** The domain with a real catalog and daemons in memory. */
  async inMemory(options: InMemoryOptions = {}): Promise<InMemory> {
    const { startInMemory } = await import('./given/in-memory.ts')
    return await startInMemory(this.#facts, options)
  }

  /** A store in a folder, its namespace claimed, with its backups and snapshots. */
  async store(options: ClaimOptions = {}): Promise<ClaimedStore<Backups, Snapshots>> {
    const { openClaimed } = await import('./given/store.ts')
    return await openClaimed(this.#facts, options)
  }

  /** The store as it is before its daemon claims the namespace. */
  async unclaimedStore(options: StoreOptions = {}): Promise<UnclaimedStore> {
    const { openUnclaimed } = await import('./given/store.ts')
    return openUnclaimed(this.#facts, options)
  }

  /** A daemon's folders with a claimed store and the volume; backups and other plugins run in the test's process. */
  async plugins(options: PluginsOptions = {}): Promise<FilledPlugins<Backups, Snapshots>> {
    const { preparePlugins } = await import('./given/plugins.ts')
    return await preparePlugins(this.#facts, options)
  }

  /** A repository in a store, the volume beside it, and restic to judge it. */
  async repository(options: RepositoryOptions = {}): Promise<FilledRepository<Snapshots>> {
    const { startRepository } = await import('./given/repository.ts')
    return await startRepository(this.#facts, options)
  }

  /** The same, before the repository is created. */
  async unmadeRepository(options: RepositoryOptions = {}): Promise<UnmadeRepository> {
    const { prepareRepository } = await import('./given/repository.ts')
    return prepareRepository(this.#facts, options)
  }

  /** A real controller and daemon in this process, on ports of their own; backups are real runs. */
  async running(options: RunningOptions = {}): Promise<FilledRunning<Backups>> {
    const { startRunning } = await import('./given/running.ts')
    return await startRunning(this.#facts, options)
  }

  #with(facts: Partial<Omit<Facts, 'backups' | 'snapshots'>>): Given<Backups, Snapshots> {
    return new Given({ ...this.#facts, ...facts })
  }
}

export const given = new Given(NOTHING)

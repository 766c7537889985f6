import type { Clock } from '../lib/clock.ts'
import type { DaemonPort } from './ports.ts'

/** The folders of a daemon's store, as it last named them. */
interface StoreFolders {
  folders: ReadonlySet<string>
  /** By Clock.elapsed(), ms. */
  at: number
}

/** Limit of different answers that are shared. */
const MAX_SHARED = 1000

/**
 * Knows which daemons can read which namespaces, from the folders that each named in its store. So the backups of a dead
 * server are asked of a daemon that has them, and not of the whole fleet in turn.
 */
export class NamespaceReaders {
  readonly #daemon: Pick<DaemonPort, 'ask'>
  readonly #clock: Clock
  readonly #stores = new Map<string, StoreFolders>()
  readonly #askedAt = new Map<string, number>()
  /** Those that were asked, and have not answered since. */
  readonly #silent = new Set<string>()
  readonly #asking = new Map<string, Promise<ReadonlySet<string>>>()
  /** The daemon that answered last, by namespace. */
  readonly #lastReaders = new Map<string, string>()
  /** Daemons with one store give one answer, which is kept once. */
  readonly #shared = new Map<string, ReadonlySet<string>>()

  constructor(daemon: Pick<DaemonPort, 'ask'>, clock: Clock) {
    this.#daemon = daemon
    this.#clock = clock
  }

  /** The folders in the store of the daemon; asked again if the last answer is older than `maxAgeMs`. */
  readFolders(ip: string, maxAgeMs: number): Promise<ReadonlySet<string>> {
    const known = this.#stores.get(ip)
    if (known && this.#clock.elapsed() - known.at < maxAgeMs) return Promise.resolve(known.folders)
    const asking = this.#asking.get(ip) ?? this.#ask(ip).finally(() => this.#asking.delete(ip))
    this.#asking.set(ip, asking)
    return asking
  }

  /** Whether the daemon was asked within the last `ms`, even if it did not answer. */
  wasAsked(ip: string, ms: number): boolean {
    const at = this.#askedAt.get(ip)
    return at !== undefined && this.#clock.elapsed() - at < ms
  }

  /** Those that did not answer the last time go to the end. */
  sortSilentLast(ips: readonly string[]): string[] {
    const { silent = [], answering = [] } = Object.groupBy(ips, (ip) =>
      this.#silent.has(ip) ? 'silent' : 'answering',
    )
    return [...answering, ...silent]
  }

  /** Those of `ips` that have named a folder of the namespace; first the one that answered last, the rest at random. */
  listReaders(namespace: string, ips: readonly string[]): string[] {
    const able = ips.filter((ip) => this.#stores.get(ip)?.folders.has(namespace))
    const last = this.#lastReaders.get(namespace)
    const rest = able.filter((ip) => ip !== last).map((ip) => ({ ip, order: Math.random() }))
    const shuffled = rest.sort((one, other) => one.order - other.order).map(({ ip }) => ip)
    return last !== undefined && able.includes(last) ? [last, ...shuffled] : shuffled
  }

  noteAnswer(namespace: string, ip: string): void {
    this.#lastReaders.set(namespace, ip)
  }

  noteFailure(namespace: string, ip: string): void {
    if (this.#lastReaders.get(namespace) === ip) this.#lastReaders.delete(namespace)
  }

  forget(ip: string): void {
    this.#askedAt.delete(ip)
    this.#silent.delete(ip)
    this.#stores.delete(ip)
  }

  async #ask(ip: string): Promise<ReadonlySet<string>> {
    this.#stores.delete(ip)
    this.#silent.add(ip)
    const asking = this.#daemon.ask(ip, 'namespaces', {})
    const { namespaces } = await asking.finally(() => this.#askedAt.set(ip, this.#clock.elapsed()))
    this.#silent.delete(ip)
    const folders = this.#share(namespaces)
    this.#stores.set(ip, { folders, at: this.#clock.elapsed() })
    return folders
  }

  #share(namespaces: readonly string[]): ReadonlySet<string> {
    const key = namespaces.toSorted().join(' ')
    const folders = this.#shared.get(key) ?? new Set(namespaces)
    if (this.#shared.size >= MAX_SHARED) this.#shared.clear()
    this.#shared.set(key, folders)
    return folders
  }
}

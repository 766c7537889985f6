import { lstat, readlink } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type FSWatcher, watch } from 'chokidar'
import { errnoOf, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** An editor saves in several steps: a save counts as finished after this time without another step. */
const MIN_QUIET_MS = 100
/** Limit for that wait, in case the steps never end. */
const MAX_WAIT_MS = 500
/** The same limit as in the kernel: more links count as a cycle. */
const MAX_LINKS = 40

export interface FileWatchOptions {
  /** Called after each change, one call at a time; its errors are logged. */
  onChange(): Promise<void>
  log: Log
}

/**
 * Watches the file that a path leads to: edited in place, replaced by rename, behind links that change their target (as
 * Kubernetes does with `..data`), or removed with its directory and created again. Resolves once it watches.
 */
export async function watchFile(
  path: string,
  options: FileWatchOptions,
): Promise<{ renew(): Promise<void>; close(): Promise<void> }> {
  const watch = new FileWatch(path, options)
  await watch.renew()
  return watch
}

class FileWatch {
  readonly #path: string
  readonly #options: FileWatchOptions
  readonly #soon = debounce(() => this.#handleChange())
  #places: Places = { folders: new Set(), names: new Set() }
  #watcher: FSWatcher | undefined
  /** A watched directory was removed: the present one of that name is a different one. */
  #folderGone = false
  #work: Promise<void> = Promise.resolve()
  #renewing: Promise<void> = Promise.resolve()

  constructor(path: string, options: FileWatchOptions) {
    this.#path = path
    this.#options = options
  }

  /** Resolves the path again and watches other directories if it leads elsewhere now. One call at a time. */
  renew(): Promise<void> {
    this.#renewing = this.#renewing.then(
      () => this.#renew(),
      () => this.#renew(),
    )
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const places = await resolvePlaces(this.#path)
    if (this.#watcher && !this.#folderGone && isDeepStrictEqual(places, this.#places)) return
    const old = this.#watcher
    // chokidar shares the watch of a path: a new watcher would get that of the removed directory.
    if (this.#folderGone) await old?.close()
    this.#places = places
    this.#folderGone = false
    this.#watcher = await this.#watch(places)
    await old?.close()
  }

  async close(): Promise<void> {
    this.#soon.stop()
    await this.#work
    await this.#renewing.catch(() => {})
    await this.#watcher?.close()
  }

  /** Renews the watch before the file is read, so that no change is missed in between. */
  #handleChange(): void {
    const { log, onChange } = this.#options
    this.#work = this.#work
      .then(() => this.renew())
      .then(onChange)
      .catch((error) =>
        log.error(
          { path: this.#path, error: messageOf(error) },
          `Cannot watch ${this.#path}: ${messageOf(error)}`,
        ),
      )
  }

  /** Ignores chokidar's events before `ready`, which describe the initial state. */
  async #watch({ folders, names }: Places): Promise<FSWatcher> {
    const watcher = watch([...folders], {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
    })
    watcher.on('error', (error) => this.#warnUnwatched(error))
    await new Promise<void>((ready) => watcher.once('ready', ready))
    watcher.on('all', (_event, changed) => {
      if (folders.has(changed)) this.#folderGone = true
      if (folders.has(changed) || names.has(changed)) this.#soon.start()
    })
    // If a directory is replaced atomically, chokidar sends no event and keeps watching the old one.
    watcher.on('raw', (_event, name, about) => {
      const { watchedPath } = about as { watchedPath: string }
      if (!folders.has(watchedPath) || name !== basename(watchedPath)) return
      this.#folderGone = true
      this.#soon.start()
    })
    return watcher
  }

  #warnUnwatched(error: unknown): void {
    this.#options.log.warn(
      { path: this.#path, error: messageOf(error) },
      `Cannot watch ${this.#path} completely: ${messageOf(error)}. Changes may be missed`,
    )
  }
}

interface Places {
  /** Directories to watch, without links. */
  folders: Set<string>
  /** The entries that decide where the path leads: the file itself, links on the way, the first missing part. */
  names: Set<string>
}

async function resolvePlaces(path: string): Promise<Places> {
  const places: Places = { folders: new Set(), names: new Set() }
  let next: string | undefined = path
  for (let links = 0; next !== undefined && links < MAX_LINKS; links++) next = await followOne(next, places)
  return places
}

/** Walks down to the file. @returns the path to continue with if a link was found */
async function followOne(path: string, { folders, names }: Places): Promise<string | undefined> {
  const parts = path.split(sep).slice(1)
  for (let depth = 1; depth <= parts.length; depth++) {
    const here = sep + parts.slice(0, depth).join(sep)
    const kind = await readKind(here)
    if (kind === 'other' && depth < parts.length) continue
    folders.add(dirname(here))
    names.add(here)
    if (kind === 'link') return join(resolve(dirname(here), await readlink(here)), ...parts.slice(depth))
    return undefined
  }
  return undefined
}

async function readKind(path: string): Promise<'missing' | 'link' | 'other'> {
  try {
    return (await lstat(path)).isSymbolicLink() ? 'link' : 'other'
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return 'missing'
    throw error
  }
}

/** Calls `act` once after several calls of start(), when they have paused; not after stop(). */
function debounce(act: () => void): { start(): void; stop(): void } {
  let quiet: NodeJS.Timeout | undefined
  let since = 0
  let stopped = false
  const fire = () => {
    quiet = undefined
    act()
  }
  return {
    start() {
      if (stopped) return
      const now = performance.now()
      if (quiet === undefined) since = now
      clearTimeout(quiet)
      quiet = setTimeout(fire, Math.max(0, Math.min(MIN_QUIET_MS, since + MAX_WAIT_MS - now)))
    },
    stop() {
      stopped = true
      clearTimeout(quiet)
    },
  }
}

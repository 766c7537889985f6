import { lstat, readlink } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type FSWatcher, watch } from 'chokidar'
import { errnoOf, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** An editor makes several steps of one edit: it is over when so many ms passed without another step. */
const QUIET_MS = 100
/** One that never ends is looked at all the same. */
const LONGEST_WAIT_MS = 500
/** As the kernel: more links than that are a circle. */
const MOST_LINKS = 40

export interface FileWatchOptions {
  /** Called after each change, one call at a time; what it throws is logged. */
  onChange(): Promise<void>
  log: Log
}

/**
 * Watches what a path leads to: a file edited in place, replaced by rename, behind links that are turned elsewhere
 * (as Kubernetes does with `..data`), removed with its directory and made again. Resolves once it watches.
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
  readonly #soon = debounce(() => this.#look())
  #places: Places = { folders: new Set(), names: new Set() }
  #watcher: FSWatcher | undefined
  /** A watched directory went: what is there now under its name is another one. */
  #folderGone = false
  #work: Promise<void> = Promise.resolve()
  #renewing: Promise<void> = Promise.resolve()

  constructor(path: string, options: FileWatchOptions) {
    this.#path = path
    this.#options = options
  }

  /** Follows the path again, and watches other directories if it leads elsewhere now. One call at a time. */
  renew(): Promise<void> {
    this.#renewing = this.#renewing.then(
      () => this.#renew(),
      () => this.#renew(),
    )
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const places = await placesOf(this.#path)
    if (this.#watcher && !this.#folderGone && isDeepStrictEqual(places, this.#places)) return
    const old = this.#watcher
    // chokidar shares what watches a path: a new watcher would be given the one of the directory that is gone.
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

  /** Watches before it looks, so that nothing falls between. */
  #look(): void {
    const { log, onChange } = this.#options
    this.#work = this.#work
      .then(() => this.renew())
      .then(onChange)
      .catch((error) =>
        log.error({ path: this.#path, error: messageOf(error) }, `Watching ${this.#path} failed`),
      )
  }

  /** What chokidar tells before it is ready is how things stood. */
  async #watch({ folders, names }: Places): Promise<FSWatcher> {
    const watcher = watch([...folders], {
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
    })
    watcher.on('error', (error) => this.#unseen(error))
    await new Promise<void>((ready) => watcher.once('ready', ready))
    watcher.on('all', (_event, changed) => {
      if (folders.has(changed)) this.#folderGone = true
      if (folders.has(changed) || names.has(changed)) this.#soon.start()
    })
    // Of a directory that is replaced in one moment chokidar tells nothing, and goes on watching the one before.
    watcher.on('raw', (_event, name, about) => {
      const { watchedPath } = about as { watchedPath: string }
      if (!folders.has(watchedPath) || name !== basename(watchedPath)) return
      this.#folderGone = true
      this.#soon.start()
    })
    return watcher
  }

  #unseen(error: unknown): void {
    this.#options.log.warn(
      { path: this.#path, error: messageOf(error) },
      `Changes of ${this.#path} may go unseen`,
    )
  }
}

interface Places {
  /** Directories to watch, without links. */
  folders: Set<string>
  /** What in them decides where the path leads: the file itself, links on the way, the first part that is missing. */
  names: Set<string>
}

async function placesOf(path: string): Promise<Places> {
  const places: Places = { folders: new Set(), names: new Set() }
  let next: string | undefined = path
  for (let links = 0; next !== undefined && links < MOST_LINKS; links++) next = await followOne(next, places)
  return places
}

/** Walks down to the file. @returns the rest of the way, where a link turns it elsewhere. */
async function followOne(path: string, { folders, names }: Places): Promise<string | undefined> {
  const parts = path.split(sep).slice(1)
  for (let depth = 1; depth <= parts.length; depth++) {
    const here = sep + parts.slice(0, depth).join(sep)
    const kind = await kindOf(here)
    if (kind === 'other' && depth < parts.length) continue
    folders.add(dirname(here))
    names.add(here)
    if (kind === 'link') return join(resolve(dirname(here), await readlink(here)), ...parts.slice(depth))
    return undefined
  }
  return undefined
}

async function kindOf(path: string): Promise<'missing' | 'link' | 'other'> {
  try {
    return (await lstat(path)).isSymbolicLink() ? 'link' : 'other'
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return 'missing'
    throw error
  }
}

/** Nothing is started after stop(). */
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
      quiet = setTimeout(fire, Math.max(0, Math.min(QUIET_MS, since + LONGEST_WAIT_MS - now)))
    },
    stop() {
      stopped = true
      clearTimeout(quiet)
    },
  }
}

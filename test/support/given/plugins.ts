import { mkdirSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RunContext, RunSettings } from '../../../src/engine/plugin.ts'
import { backupPlugin } from '../../../src/engine/plugins/backup/plugin.ts'
import { recoverPlugin } from '../../../src/engine/plugins/backup_recover/plugin.ts'
import type { Job } from '../../../src/wire/job.ts'
import type { StoreSettings } from '../../../src/wire/store-settings.ts'
import { backupArgs, recoverArgs, SERVER } from '../plugin-args.ts'
import { runPlugin } from '../run-plugin.ts'
import { tempDir } from '../temp-dir.ts'
import { openWholeStore } from '../whole-store.ts'
import { writeContent } from './content.ts'
import { checkStarted, type Facts } from './facts.ts'
import { makeSeveral, type Several } from './several.ts'
import { subjectOf } from './subject.ts'

export interface PluginsOptions {
  /** The parent of the daemon's folders. */
  parent?: string
  /** Where the store is, if not in a folder of the test. */
  store?: StoreSettings
}

export type Plugins = Awaited<ReturnType<typeof openDaemon>>

export type FilledPlugins<Backups extends number, Snapshots extends number> = Plugins & {
  /** Their names. */
  backups: Several<string, Backups>
  /** Their ids. */
  snapshots: Several<string, Snapshots>
}

/** A daemon's folders, its store claimed, and one volume; plugins run in this process. */
export async function preparePlugins<Backups extends number, Snapshots extends number>(
  facts: Facts<Backups, Snapshots>,
  options: PluginsOptions = {},
): Promise<FilledPlugins<Backups, Snapshots>> {
  checkStarted(facts, 'plugins')
  const daemon = await openDaemon(facts, options)
  const { backUp, volume } = daemon
  for (const content of facts.files) writeContent(volume, content)
  const backups = await makeSeveral(facts.backups, async () => (await backUp()).result.file ?? '')
  const increment = async () => (await backUp({ mode: 'increment' })).result.snapshot ?? ''
  return { ...daemon, backups, snapshots: await makeSeveral(facts.snapshots, increment) }
}

async function openDaemon(facts: Facts, { parent = tmpdir(), store: elsewhere }: PluginsOptions) {
  const subject = subjectOf(facts)
  const folders = makeFolders(tempDir(parent), subject.place)
  const { dataDir, storeDir, volumeRoot, volume } = folders
  const settings: RunSettings = {
    ip: SERVER,
    daemonId: facts.owner,
    version: '0.0.0',
    dataDir,
    volumeRoot,
    allowPaths: [],
    store: elsewhere ?? { driver: 'local', dir: storeDir },
  }
  const store = openWholeStore(settings.store, settings)
  await store.claim(false)
  await store.preparePassword()
  const args = backupArgs(volume, subject)
  const jobs: Job[] = [{ id: 'job', spec: '@daily', action: 'backup', args, type: 'cron', sleep: false }]
  const filled = (asked: object) => recoverPlugin.fillArgs?.({ ...asked }, { settings, jobs }) ?? {}
  return {
    ...folders,
    settings,
    store,
    jobs,
    backUp: (more: object = {}, change: Partial<RunContext> = {}) =>
      runPlugin(backupPlugin, settings, { args: { ...args, ...more }, change }),
    recover: (backup: string, more: object = {}, change: Partial<RunContext> = {}) =>
      runPlugin(recoverPlugin, settings, {
        args: filled({ ...recoverArgs(backup, subject), ...more }),
        change,
      }),
    /** Names in the server's namespace, without the store's own files. */
    objects: () =>
      readdirSync(join(storeDir, SERVER))
        .filter((name) => !name.startsWith('.'))
        .sort(),
  }
}

function makeFolders(base: string, place: string) {
  const [dataDir, storeDir, volumeRoot] = [join(base, 'data'), join(base, 'store'), join(base, 'volumes')]
  const volume = join(volumeRoot, place)
  for (const folder of [dataDir, storeDir, volume]) mkdirSync(folder, { recursive: true })
  return { base, dataDir, storeDir, volumeRoot, volume, parent: dirname(volume) }
}

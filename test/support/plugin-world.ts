import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RunContext, RunSettings } from '../../src/engine/plugin.ts'
import { backupPlugin } from '../../src/engine/plugins/backup/plugin.ts'
import { recoverPlugin } from '../../src/engine/plugins/backup_recover/plugin.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Job } from '../../src/wire/job.ts'
import { runPlugin } from './run-plugin.ts'

export const SERVER = '10.77.0.11'
const ARCHIVE = 'shop-shop.web.web-1-data-db'

/** A daemon's folders, its store claimed, and one volume that is empty; plugins run in this process. */
export async function makePluginWorld(parent = tmpdir()) {
  const base = mkdtempSync(join(parent, 'backupd-plugins-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  const [dataDir, storeDir, volumeRoot] = [join(base, 'data'), join(base, 'store'), join(base, 'volumes')]
  const volume = join(volumeRoot, 'shop', 'db')
  for (const folder of [dataDir, storeDir, volume]) mkdirSync(folder, { recursive: true })
  const settings: RunSettings = {
    ...{ ip: SERVER, daemonId: 'daemon-1', version: '0.0.0', dataDir, volumeRoot, allowPaths: [] },
    store: { driver: 'local', dir: storeDir },
  }
  const store = await openStore(settings.store, settings, { clock: systemClock })
  await store.claim(false)
  await store.preparePassword()
  const jobs: Job[] = [
    { id: 'job', spec: '@daily', action: 'backup', args: backupArgs(volume), type: 'cron', sleep: false },
  ]
  const world = { base, dataDir, storeDir, volumeRoot, volume, settings, store, jobs }
  return {
    ...world,
    backUp: (args: object = {}, change: Partial<RunContext> = {}) =>
      runPlugin(backupPlugin, settings, { args: { ...backupArgs(volume), ...args }, change }),
    recover: (backup: string, args: object = {}, change: Partial<RunContext> = {}) =>
      runPlugin(recoverPlugin, settings, {
        args: recoverPlugin.fillArgs?.({ ...recoverArgs(backup), ...args }, { settings, jobs }) ?? {},
        change,
      }),
    /** What lies in the store for this server, the store's own files left out. */
    objects: () =>
      readdirSync(join(storeDir, SERVER))
        .filter((name) => !name.startsWith('.'))
        .sort(),
  }
}

export function backupArgs(path: string) {
  return {
    ...{ app: 'shop', archive: ARCHIVE, containers: [], instanceNo: 1, mode: 'full', path },
    ...{ postRun: '', preRun: '', proc: 'shop.web.web', volume: '/data/db' },
  }
}

export function recoverArgs(backup: string) {
  return { app: 'shop', proc: 'shop.web.web', backup, destDir: '', files: null, namespace: SERVER }
}

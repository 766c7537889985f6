import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RunContext, RunSettings } from '../src/engine/plugin.ts'
import { backupPlugin } from '../src/engine/plugins/backup/plugin.ts'
import { systemClock } from '../src/lib/clock.ts'
import { openStore } from '../src/store/open-store.ts'
import { newRid } from '../src/wire/ids.ts'

const IP = '127.0.0.1'

/** The store of this benchmark, as a daemon opens it. */
export async function openBenchStore(storeDir: string, dataDir: string) {
  mkdirSync(storeDir, { recursive: true })
  mkdirSync(dataDir, { recursive: true })
  const settings: RunSettings = {
    ip: IP,
    daemonId: 'bench',
    version: '0.0.0',
    dataDir,
    volumeRoot: join(dataDir, 'volumes'),
    allowPaths: [],
    store: { driver: 'local', dir: storeDir },
  }
  const warn = (message: string) => console.error(message)
  const store = await openStore(settings.store, settings, { clock: systemClock, warn })
  return { store, settings, ip: IP }
}

/** Backs a directory up; returns the name of the backup. */
export async function backUp(
  settings: RunSettings,
  path: string,
  mode: 'full' | 'increment',
): Promise<string> {
  const volume = { app: 'bench', proc: 'bench.web.web', volume: '/data', instanceNo: 1, containers: [] }
  const args = { ...volume, archive: 'bench-bench.web.web-1-data', mode, path, preRun: '', postRun: '' }
  const context: RunContext = {
    rid: newRid(Date.now()),
    jobId: '',
    settings: { ...settings, allowPaths: [path] },
    options: {},
    clock: systemClock,
    signal: new AbortController().signal,
    log: () => {},
    progress: () => {},
    warn: (message) => console.error(message),
    announce: async () => {},
    isRunning: async () => false,
  }
  const { result } = await backupPlugin.run(backupPlugin.parseArgs(args), context)
  return String(result?.file ?? result?.backup?.name)
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RunSettings } from '../../src/engine/plugin.ts'

/** Settings of a daemon whose data lies in a folder of its own, which is removed after the test. */
export async function runSettings(): Promise<RunSettings> {
  const dataDir = await mkdtemp(join(tmpdir(), 'backupd-engine-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  return {
    ip: '10.77.0.11',
    daemonId: 'daemon-1',
    dataDir,
    volumeRoot: join(dataDir, 'volumes'),
    allowPaths: [],
    store: { driver: 'local', dir: join(dataDir, 'store') },
    version: 'test',
  }
}

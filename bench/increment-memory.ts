import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { asRunner } from './as-runner.ts'
import { PASSWORD } from './password.ts'

/**
 * Peak memory of snapshots of very many files: the first one, one where nothing changed, and restoring it. The files
 * lie in memory, under `--folder`; `--files` is how many, `--folders` in how many directories.
 */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000000' },
    folders: { type: 'string', default: '1000' },
    folder: { type: 'string', default: '/dev/shm' },
  },
})
const TARGET = 400
const BACKUP = await bundleAside('bench/increment-child.ts')
const RESTORE = await bundleAside('bench/snapshot-restore-child.ts')

const place = mkdtempSync(`${values.folder}/backupd-increment-memory-`)
try {
  const volume = makeVolume()
  for (const folder of ['store', 'restored']) mkdirSync(`${place}/${folder}`)
  writeFileSync(`${place}/password`, PASSWORD)
  measure('first', BACKUP, `${place}/store`, volume)
  measure('unchanged', BACKUP, `${place}/store`, volume)
  measure('restore', RESTORE, `${place}/store`, `${place}/password`, `${place}/restored`)
} finally {
  rmSync(place, { recursive: true, force: true })
}

function measure(what: string, child: string, ...args: string[]): void {
  const start = performance.now()
  const { files, peakMiB } = JSON.parse(asRunner(child, ...args))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const verdict = peakMiB <= TARGET ? 'reached' : 'MISSED'
  console.log(`${what}: ${files} files, ${seconds} s, peak ${peakMiB} MiB (at most ${TARGET}: ${verdict})`)
}

function makeVolume(): string {
  const folders = Number(values.folders)
  for (let n = 0; n < folders; n++) mkdirSync(`${place}/volume/${n}`, { recursive: true })
  for (let n = 0; n < Number(values.files); n++) {
    writeFileSync(`${place}/volume/${n % folders}/file-${n}.txt`, `content of ${n}`)
  }
  return `${place}/volume`
}

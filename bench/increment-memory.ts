import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RUNNER_ARGV } from '../src/engine/runner.ts'

/**
 * Peak memory of snapshots of very many files: the first one, and one where nothing changed. The files lie in memory,
 * under `--folder`; `--files` is how many, `--folders` in how many directories.
 */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000000' },
    folders: { type: 'string', default: '1000' },
    folder: { type: 'string', default: '/dev/shm' },
  },
})
const TARGET = 400
const QUIET = '--disable-warning=ExperimentalWarning'
const CHILD = fileURLToPath(new URL('./increment-child.ts', import.meta.url))

const place = mkdtempSync(`${values.folder}/backupd-increment-memory-`)
try {
  const volume = makeVolume()
  mkdirSync(`${place}/store`)
  for (const what of ['first', 'unchanged']) {
    const start = performance.now()
    const args = [...RUNNER_ARGV, QUIET, CHILD, `${place}/store`, volume]
    const { files, peakMiB } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    const verdict = peakMiB <= TARGET ? 'reached' : 'MISSED'
    console.log(`${what}: ${files} files, ${seconds} s, peak ${peakMiB} MiB (at most ${TARGET}: ${verdict})`)
  }
} finally {
  rmSync(place, { recursive: true, force: true })
}

function makeVolume(): string {
  const folders = Number(values.folders)
  for (let n = 0; n < folders; n++) mkdirSync(`${place}/volume/${n}`, { recursive: true })
  for (let n = 0; n < Number(values.files); n++) {
    writeFileSync(`${place}/volume/${n % folders}/file-${n}.txt`, `content of ${n}`)
  }
  return `${place}/volume`
}

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Builds what is older than its sources, before any test. */
export function setup(): void {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [script, '--tests'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('Cannot build what the tests start: see above')
}

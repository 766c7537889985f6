import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { mountOwn } from '../own-mount.ts'
import { tempDir } from '../temp-dir.ts'
import { writeContent } from './content.ts'
import { checkStarted, type Facts } from './facts.ts'
import { subjectOf } from './subject.ts'

/** A folder of its own for each test: `data` for the daemon, and the volume in `volumes`. */
export function makeOnDisk(facts: Facts) {
  checkStarted(facts, 'onDisk')
  const base = tempDir(tmpdir())
  const [dataDir, volume] = [join(base, 'data'), join(base, 'volumes', basename(subjectOf(facts).volume))]
  for (const folder of [dataDir, volume]) mkdirSync(folder, { recursive: true })
  if (facts.ownMount) mountOwn(volume, join(base, 'image'))
  for (const content of facts.files) writeContent(volume, content)
  return { base, dataDir, volume, parent: dirname(volume) }
}

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { given } from '../../support/given.ts'
import { STILL_PATH } from '../../support/repository-samples.ts'
import { canMount, mountTmpfs } from '../../support/tmpfs.ts'

test.skipIf(!canMount)(
  'a time outside the supported years is reported each time, and the file is not read again (needs mounts)',
  async () => {
    const { repository, snapshot, volume, treeWarnings } = await given.repository()
    // Few other file systems hold such times.
    onTestFinished(mountTmpfs(volume))
    for (const [name, seconds] of [
      ['late', 253_402_300_800],
      ['last', 253_402_300_799],
      ['early', -99_999_999_999],
    ]) {
      writeFileSync(join(volume, String(name)), 'content')
      execFileSync('touch', ['-d', `@${seconds}`, join(volume, String(name))])
    }
    const first = await snapshot(repository, { sourcePath: STILL_PATH })
    const told = [
      'note early: its time of change is stored as 0000-02-15T14:13:21Z, because a snapshot can only have years from 0 to 9999',
      'note late: its time of change is stored as 9999-01-01T00:00:00Z, because a snapshot can only have years from 0 to 9999',
    ]
    expect(treeWarnings.toSorted()).toEqual(told)
    const second = await snapshot(repository, { from: first.snapshotId, sourcePath: STILL_PATH })
    expect(second).toMatchObject({ faults: 0, filesUnchanged: 3, bytesRead: 0 })
    expect(treeWarnings.slice(told.length).toSorted()).toEqual(told)
  },
)

import { expect, test } from 'vitest'
import { chooseDrills } from '../../../../src/engine/plugins/backup_drill_due/choose-drills.ts'
import type { BackupInfo } from '../../../../src/wire/backup.ts'
import { sampleBackup } from '../../../support/catalog-samples.ts'

/** A full backup of /srv/a with an index. */
function archive(name: string, changes: Partial<BackupInfo> = {}): BackupInfo {
  return sampleBackup({
    ...{ name, mode: 'full', source: '/srv/a', state: 'success', suspect: null, corrupt: null },
    ...{ hasIndex: true, series: null, bytes: 1000, sequence: 1 },
    ...changes,
  })
}

function namesOf(backups: BackupInfo[]): string[] {
  return chooseDrills(backups).next.map(({ backup }) => backup)
}

test('of each volume the newest good backup that can be compared is drilled', () => {
  const suspect = archive('suspect', { sequence: 5, suspect: 'it is empty' })
  const legacy = archive('legacy', { sequence: 4, hasIndex: false })
  const corrupt = archive('corrupt', { sequence: 3, corrupt: 'damaged' })
  expect(namesOf([suspect, legacy, corrupt, archive('new', { sequence: 2 }), archive('old')])).toEqual([
    'new',
  ])
})

test('the volume that was drilled the longest ago comes first, also if an older backup of it was drilled', () => {
  const a = [archive('a-new', { sequence: 2 }), archive('a-old', { drilled: '2026-11-20T00:00:00Z' })]
  const b = archive('b', { source: '/srv/b', drilled: '2026-11-10T00:00:00Z' })
  const c = archive('c', { source: '/srv/c', verified: '2026-11-25T00:00:00Z' })
  expect(namesOf([...a, b, c])).toEqual(['c', 'b', 'a-new'])
})

test('what is larger than a drill may be is left out and counted', () => {
  expect(chooseDrills([archive('huge', { bytes: 60 * 1024 ** 3 })])).toEqual({ next: [], tooLarge: 1 })
})

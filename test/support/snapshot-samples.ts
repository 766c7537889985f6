import { formatGoTime } from '../../src/restic/nodes/go-time.ts'
import {
  encodeSnapshot,
  type SnapshotFacts,
  type SnapshotFile,
} from '../../src/restic/nodes/snapshot-file.ts'
import { makeTags } from '../../src/store/kinds/series/series.ts'
import type { StoreParts } from '../../src/store/store-parts.ts'
import { ARCHIVE, IP, SOURCE, T0 } from './store-samples.ts'

export function sampleFacts(changes: Partial<SnapshotFacts> = {}): SnapshotFacts {
  return {
    format: 1,
    app: 'hello',
    proc: 'hello.web.web',
    volume: '/data/db',
    instanceNo: 1,
    containers: [],
    jobId: 'job',
    sequence: 1,
    state: 'success',
    suspect: null,
    files: 2,
    bytes: 30,
    entries: 3,
    added: 20,
    root: { device: '8:1', mountPoint: false },
    warnings: [],
    warningCount: 0,
    notKept: [],
    durability: 'synced',
    writer: 'test',
    ...changes,
  }
}

/** A snapshot whose tree is never read. */
export function sampleSnapshot(changes: Partial<SnapshotFile> = {}, seconds = T0): SnapshotFile {
  return {
    time: formatGoTime(BigInt(seconds) * 1_000_000_000n),
    tree: Buffer.alloc(32, 1),
    parent: null,
    paths: [SOURCE],
    hostname: IP,
    username: 'root',
    uid: 0,
    gid: 0,
    original: null,
    tags: makeTags(ARCHIVE, 'rid-1', false),
    backupd: sampleFacts(),
    ...changes,
  }
}

/** Puts snapshots into the own namespace unchanged; returns their ids. */
export async function putSnapshots(store: StoreParts, ...snapshots: SnapshotFile[]): Promise<string[]> {
  await using repository = await store.ownRepository()
  const ids: string[] = []
  for (const one of snapshots) ids.push(await repository.saveUnpacked('snapshots', encodeSnapshot(one)))
  return ids
}

import type { BackupInfo } from '../../src/wire/backup.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import type { SnapshotInfo } from '../../src/wire/snapshot.ts'

/** A rid as daemons make them; the same for the same number. */
export function ridOf(n: number): string {
  return `1795425846${n.toString(16).padStart(32, '0')}`
}

/** A run of a backup job of hello.web.web's /data/db, running. */
export function sampleRecord(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    rid: ridOf(1),
    seq: 1,
    attempt: 1,
    server: '10.0.0.1',
    jobId: '0a000001aaaa',
    spec: '0 5 * * *',
    action: 'backup',
    args: { app: 'hello', proc: 'hello.web.web', volume: '/data/db', instanceNo: 1, mode: 'full' },
    type: 'cron',
    state: 'running',
    start: '2026-11-23T08:44:53.443174691Z',
    end: null,
    reason: '',
    error: null,
    warnings: [],
    warningCount: 0,
    result: null,
    progress: null,
    ...changes,
  }
}

export function sampleBackup(changes: Partial<BackupInfo> = {}): BackupInfo {
  return {
    server: '10.0.0.1',
    name: 'hello-hello.web.web-1-data-db-1795425846.tar.gz',
    mode: 'full',
    app: 'hello',
    proc: 'hello.web.web',
    volume: '/data/db',
    instanceNo: 1,
    source: '/data/lain/volumes/hello/hello.web.web/1/data/db',
    containers: ['c1'],
    size: 9_007_199_254_740_991,
    created: '2026-11-23T09:24:06.799Z',
    sequence: 1,
    rid: ridOf(1),
    jobId: '0a000001aaaa',
    state: 'success',
    suspect: null,
    corrupt: null,
    verified: null,
    holds: [],
    sha256: 'ab'.repeat(32),
    hasIndex: true,
    files: 3,
    bytes: 5_000_000_000,
    durability: 'synced',
    series: null,
    ...changes,
  }
}

/** Progress as a daemon reports it. */
export function sampleProgress(bytesDone: number): NonNullable<RunRecord['progress']> {
  return {
    phase: 'pack',
    bytesDone,
    bytesTotal: 1000,
    filesDone: 1,
    filesTotal: null,
    currentPath: 'a\\xff',
    bytesPerSecond: 10,
    etaSeconds: null,
  }
}

/** A snapshot as a daemon lists it. */
export function sampleListedSnapshot(changes: Partial<SnapshotInfo> = {}): SnapshotInfo {
  return {
    id: 'b'.repeat(64),
    created: '2026-11-23T09:24:06.799Z',
    sequence: 1,
    state: 'success',
    suspect: null,
    corrupt: null,
    good: true,
    mirror: false,
    size: 30,
    files: 2,
    added: 20,
    rid: ridOf(1),
    jobId: '0a000001aaaa',
    ...changes,
  }
}

import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SnapshotFacts } from '../../src/restic/nodes/snapshot-file.ts'
import { IP } from './store-samples.ts'

/** Of the form that a store makes: its key is derived fast. */
export const PASSWORD = '0123456789abcdef'.repeat(4)
export const REPOSITORY = `${IP}/repo`

/**
 * Not on this machine, so that the tree is of the volume alone: a folder above it, such as /tmp, is changed by others.
 */
export const STILL_PATH = '/not/here/volume'

/** Of a snapshot of ours that lacks nothing. */
export const FACTS: SnapshotFacts = {
  format: 1,
  app: '',
  proc: '',
  volume: '',
  instanceNo: 1,
  containers: [],
  jobId: '',
  sequence: 1,
  state: 'success',
  suspect: null,
  files: 1,
  bytes: 1,
  entries: 1,
  added: 1,
  root: { device: '0:0', mountPoint: false },
  warnings: [],
  warningCount: 0,
  notKept: [],
  durability: 'synced',
  writer: 'test',
}

/** For a repository without other users. */
export const NO_LOCK = { signal: new AbortController().signal, assertHeld: async () => {} }

/** Four files in four directories, the volume one of them. */
export function writeSome(volume: string): void {
  mkdirSync(join(volume, 'sub/deep'), { recursive: true })
  mkdirSync(join(volume, 'sub/empty'))
  writeFileSync(join(volume, 'large'), randomBytes(9 * 1024 * 1024))
  writeFileSync(join(volume, 'text'), 'text '.repeat(1000))
  writeFileSync(join(volume, 'nothing'), '')
  writeFileSync(join(volume, 'sub/deep/file'), 'deep')
}

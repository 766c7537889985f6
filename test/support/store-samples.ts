import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ManifestFacts } from '../../src/store/store-parts.ts'

export const IP = '10.0.0.1'
export const SOURCE = '/data/lain/volumes/hello/hello.web.web/1/data/db'
export const ARCHIVE = 'hello-hello.web.web-1-data-db'
/** 2026-11-23T09:24:06Z */
export const T0 = 1795425846

export const OBJECT = Buffer.from('the bytes of an archive')
export const INDEX = Buffer.from('the bytes of its index')

export function factsOf(rid: string, change: Partial<ManifestFacts> = {}): ManifestFacts {
  return {
    mode: 'full',
    app: 'hello',
    proc: 'hello.web.web',
    volume: '/data/db',
    instanceNo: 1,
    containers: ['c1'],
    source: SOURCE,
    rid,
    jobId: '0a000001b46c535c4493a6b508e69c211c35d81',
    state: 'success',
    suspect: null,
    size: OBJECT.length,
    sha256: sha256(OBJECT),
    index: { size: INDEX.length, sha256: sha256(INDEX) },
    entries: 3,
    files: 2,
    bytes: 17,
    tarBytes: 10240,
    root: { device: '259:1', mountPoint: false },
    warnings: [],
    warningCount: 0,
    notKept: [],
    ...change,
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Names in the own namespace of the store in `dir`, without the files that always exist. */
export function namesIn(dir: string): string[] {
  const own = ['.owner', '.lock', '.meta']
  return readdirSync(join(dir, IP))
    .filter((name) => !own.includes(name))
    .sort()
}

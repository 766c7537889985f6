import { describe, expect, it } from 'vitest'
import { encodeSnapshot, parseSnapshot, type SnapshotFile } from '../../../src/restic/nodes/snapshot-file.ts'

const id = 'cd'.repeat(32)
const ours: SnapshotFile = {
  time: '2026-01-02T03:04:05.123456789Z',
  tree: Buffer.alloc(32, 0xab),
  parent: 'ef'.repeat(32),
  paths: ['/data/<db>'],
  hostname: '10.0.0.1',
  username: 'root',
  uid: 0,
  gid: 7,
  tags: ['backup=hello-web-1-data', 'rid=x', 'partial'],
  original: null,
  backupd: {
    format: 1,
    app: 'hello',
    proc: 'hello.web.web',
    volume: '/data',
    instanceNo: 1,
    containers: [],
    jobId: 'x',
    sequence: 3,
    state: 'partial',
    suspect: null,
    files: 1,
    bytes: 2,
    entries: 3,
    added: 4,
    root: { device: '8:1', mountPoint: true },
    warnings: ['a: b'],
    warningCount: 1,
    notKept: [],
    durability: 'synced',
    writer: '1.0.0',
  },
}

describe('a snapshot file', () => {
  it('is read back the same', () => {
    expect(parseSnapshot(id, encodeSnapshot(ours))).toEqual(ours)
  })

  it('begins as restic writes it', () => {
    expect(encodeSnapshot({ ...ours, backupd: null }).toString()).toBe(
      `{"time":"2026-01-02T03:04:05.123456789Z","parent":"${'ef'.repeat(32)}","tree":"${'ab'.repeat(32)}","paths":["/data/\\u003cdb\\u003e"],"hostname":"10.0.0.1","username":"root","gid":7,"tags":["backup=hello-web-1-data","rid=x","partial"]}`,
    )
  })

  it('may have only what restic requires, and unknown fields', () => {
    const json = `{"time":"2026-01-02T03:04:05+01:00","tree":"${'ab'.repeat(32)}","paths":null,"excludes":["x"],"original":"${id}","summary":{"files_new":1},"backupd":{"format":99}}`
    expect(parseSnapshot(id, Buffer.from(json))).toEqual({
      ...ours,
      time: '2026-01-02T03:04:05+01:00',
      parent: null,
      paths: [],
      hostname: '',
      username: '',
      gid: 0,
      tags: [],
      original: id,
      backupd: null,
    })
  })

  it.each([
    ['no JSON', 'x'],
    ['no tree', '{"time":"2026-01-02T03:04:05Z","paths":[]}'],
    ['no time', `{"time":"yesterday","tree":"${id}","paths":[]}`],
  ])('with %s is refused, and named', (_, json) => {
    expect(() => parseSnapshot(id, Buffer.from(json))).toThrow(
      expect.objectContaining({ code: 'SNAPSHOT_CORRUPT', message: expect.stringContaining(id) }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import type { TreeEntry, TreeWarning } from '../../../src/volume/tree/entry.ts'
import { flagsText, parseFlags } from '../../../src/volume/tree/inode-flags.ts'
import { Losses } from '../../../src/volume/tree/losses.ts'
import { noteFlags } from '../../../src/volume/tree/note-flags.ts'

describe('inode flags as text', () => {
  it('have the names of libarchive, and are read back the same', () => {
    expect(flagsText(0x10 | 0x20 | 0x40)).toBe('schg,sappnd,nodump')
    for (const bit of [
      0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x4000, 0x8000, 0x10000, 0x20000, 0x800000,
    ])
      expect(parseFlags(flagsText(bit))).toBe(bit)
  })

  it('are read as other tars write them, and unknown ones are skipped', () => {
    expect(parseFlags('append,immutable,uarch,nouchg')).toBe(0x30)
    expect(parseFlags('')).toBe(0)
  })
})

it('project ids and settings that are not kept give one warning for each kind, with a count and three names', () => {
  const losses = new Losses()
  const warnings: TreeWarning[] = []
  const entryAt = (path: string) => ({ path: Buffer.from(path) }) as TreeEntry
  for (const path of ['', 'a', 'b', 'c'])
    noteFlags({ losses }, entryAt(path), { flags: 0, unkept: false, project: 42 })
  noteFlags({ losses }, entryAt('v'), { flags: 0, unkept: true, project: 0 })
  losses.report((warning) => warnings.push(warning))
  expect(warnings.map(({ severity, message }) => [severity, message])).toEqual([
    ['note', 'the project ids (project quotas) of 4 entries are not kept, such as ".", "a", "b"'],
    ['note', 'case folding, DAX, encryption or verity of 1 entry is not kept, such as "v"'],
  ])
})

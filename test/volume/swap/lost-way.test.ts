import { readdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settleJournals } from '../../../src/volume/swap/settle.ts'
import { given } from '../../support/given.ts'
import { recoverUntil } from '../../support/recover-until.ts'
import { contentOf, fillOld } from '../../support/swap-content.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

test.each(['staged', 'moved out'])(
  'a swap killed at "%s" stays as it is while its path leads through a link',
  async (point) => {
    const { dataDir, volume, parent } = oldVolume.onDisk()
    const before = contentOf(volume)
    expect(await recoverUntil({ dataDir, volume, point })).toBe('SIGKILL')
    renameSync(parent, `${parent}-moved`)
    symlinkSync(`${parent}-moved`, parent)
    const { settled, locked } = await settleJournals(dataDir)
    expect([settled, locked]).toMatchObject([[], [{ volume, reason: expect.any(String) }]])
    unlinkSync(parent)
    renameSync(`${parent}-moved`, parent)
    expect((await settleJournals(dataDir)).locked).toEqual([])
    expect(contentOf(volume)).toEqual(before)
    expect(readdirSync(parent).filter((name) => name.startsWith('.backupd-'))).toEqual([])
  },
)

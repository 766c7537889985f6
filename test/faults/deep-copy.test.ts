import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { given } from '../support/given.ts'
import { noFlags, run } from '../support/refused-renames.ts'
import { contentOf, fillOld, RID } from '../support/swap-content.ts'

const CHILD = fileURLToPath(new URL('../programs/copy-child.ts', import.meta.url))

/** Copies in place in a process that may open 400 files. */
function copyWithFewFiles({ inVolume = 0, unpacked = 0 }) {
  const { dataDir, volume } = given.volume('/data/db').files(fillOld).onDisk()
  mkdirSync(volume + '/deep'.repeat(inVolume), { recursive: true })
  run('chattr', '+i', `${volume}/old only`)
  onTestFinished(() => run('chattr', '-R', '-i', `${volume}/..`))
  const before = contentOf(volume)
  const order = { dataDir, volume, rid: RID, point: 'never', depth: unpacked }
  const command = ['--nofile=400:400', process.execPath, CHILD, JSON.stringify(order)]
  const { status, stderr } = spawnSync('prlimit', command, { encoding: 'utf8' })
  return {
    status,
    stderr,
    isAsBefore: JSON.stringify(contentOf(volume), asText) === JSON.stringify(before, asText),
  }
}

function asText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

const testDeep = test.skipIf(noFlags)

testDeep.each([{ inVolume: 150 }, { unpacked: 25 }])(
  `directories too deep to be copied in place are refused before the first change: %o (${noFlags ?? 'needs chattr'})`,
  (depths) => {
    const { status, stderr, isAsBefore } = copyWithFewFiles(depths)
    expect(stderr).toMatch(/nothing can be copied in place: .*so deep.*LimitNOFILE/)
    expect({ status, isAsBefore }).toEqual({ status: 1, isAsBefore: true })
  },
)

testDeep(`a few levels are copied with few open files (${noFlags ?? 'needs chattr'})`, () => {
  const { status, isAsBefore } = copyWithFewFiles({ inVolume: 50, unpacked: 8 })
  expect({ status, isAsBefore }).toEqual({ status: 0, isAsBefore: false })
})

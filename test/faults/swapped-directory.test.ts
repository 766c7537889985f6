import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Progress } from '../../src/wire/record.ts'
import { given } from '../support/given.ts'

const BIG = 4 << 20

function makeForeign(): string {
  const foreign = mkdtempSync(join(tmpdir(), 'swapped-directory-'))
  onTestFinished(() => rmSync(foreign, { recursive: true, force: true }))
  mkdirSync(join(foreign, 'deep/er'), { recursive: true })
  for (const name of ['secret', 'deep/secret', 'deep/er/secret'])
    writeFileSync(join(foreign, name), 'foreign')
  return foreign
}

/** Volumes of three alike directories: one that was read is moved away, and something else takes its place. */
async function swapWhileRead(mode: 'full' | 'increment', replace: (path: string) => void) {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(world.volume, name, 'deep/er'), { recursive: true })
    for (const file of ['file', 'deep/file', 'deep/er/file'])
      writeFileSync(join(world.volume, name, file), name)
    writeFileSync(join(world.volume, name, 'big'), Buffer.alloc(BIG, name))
  }
  const phases = new Set<string>()
  const rechecked = new Set<string>()
  let first = ''
  let isDone = false
  const progress = ({ phase, currentPath }: Partial<Progress>) => {
    if (phase) phases.add(phase)
    if (phase === 'recheck' && currentPath) rechecked.add(currentPath)
    const top = currentPath?.split('/')[0] ?? ''
    first ||= top
    if (isDone || top === first) return
    isDone = true
    renameSync(join(world.volume, first), join(world.volume, 'moved'))
    replace(join(world.volume, first))
  }
  const ran = await world.backUp({ mode }, { progress })
  expect(isDone).toBe(true)
  return { ...ran, first, phases, rechecked }
}

describe.each(['full', 'increment'] as const)('a directory that is replaced while it is read, %s', (mode) => {
  const replacements: [string, (path: string) => void][] = [
    ['a file', (path) => writeFileSync(path, 'a file now')],
    ['a relative link', (path) => symlinkSync('moved', path)],
    ['a link out of the volume', (path) => symlinkSync(makeForeign(), path)],
  ]

  test.each(replacements)('by %s continues, and has the moved files', async (_what, replace) => {
    const { state, warnings, result, first } = await swapWhileRead(mode, replace)
    expect(state).toBe('success')
    const files = ['big', 'deep/er/file', 'deep/file', 'file'].map((name) => `${first}/${name}`)
    expect(result.changedWhileRead?.names.toSorted()).toEqual(files)
    expect(warnings).toEqual([expect.stringMatching(/^4 files changed while the volume was read \(/)])
  })

  test('the recheck is a phase of its own, and reports its paths', async () => {
    const { phases, rechecked } = await swapWhileRead(mode, (path) => symlinkSync('moved', path))
    expect(phases).toContain('recheck')
    for (const path of ['b/deep/er', 'b/deep/er/file']) expect(rechecked).toContain(path)
  })
})

import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Progress } from '../../src/wire/record.ts'
import { given } from '../support/given.ts'

const BIG = 4 << 20

/** A volume of a small `table` and `log`, and one file that takes longer. */
async function makeDatabase(mode: 'full' | 'increment') {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const at = (name: string) => join(world.volume, name)
  for (const name of ['log', 'table']) writeFileSync(at(name), `${name} as it was`)
  writeFileSync(at('big'), Buffer.alloc(BIG, 1))
  for (const name of ['big', 'log', 'table']) utimesSync(at(name), 1, 1)
  /** `act` is done once, when the run has begun to read. */
  const backUp = (act: () => void, options: { consistency?: 'strict' } = {}) => {
    let isDone = false
    const progress = ({ currentPath }: Partial<Progress>) => {
      if (isDone || !currentPath) return
      isDone = true
      act()
    }
    return world.backUp({ mode }, { options, progress })
  }
  return { ...world, at, backUp }
}

describe.each(['full', 'increment'] as const)('files that change together, %s', (mode) => {
  test('a run without changes says so', async () => {
    const { backUp } = await makeDatabase(mode)
    const { state, result, warnings } = await backUp(() => {}, { consistency: 'strict' })
    expect(state).toBe('success')
    expect(result.changedWhileRead).toEqual({ count: 0, names: [] })
    expect(result.backup?.changedWhileRead).toEqual({ count: 0, names: [] })
    expect(warnings).toEqual([])
  })

  test('files that changed after they were read are counted, with a warning', async () => {
    const { at, backUp } = await makeDatabase(mode)
    const { state, result, warnings } = await backUp(() => {
      writeFileSync(at('new table'), 'another file')
      renameSync(at('new table'), at('table'))
      rmSync(at('log'))
    })
    expect(state).toBe('success')
    expect(result.changedWhileRead?.count).toBe(2)
    expect(result.changedWhileRead?.names.toSorted()).toEqual(['log', 'table'])
    expect(result.backup?.changedWhileRead).toEqual(result.changedWhileRead)
    expect(warnings).toContainEqual(expect.stringMatching(/^2 files changed while the volume was read \(/))
  })

  test('with strict consistency such a run is partial', async () => {
    const { at, backUp } = await makeDatabase(mode)
    const change = () => writeFileSync(at('log'), 'a line more')
    const { state, reason } = await backUp(change, { consistency: 'strict' })
    expect(state).toBe('partial')
    expect(reason).toMatch(/^1 files changed while the volume was read \(log\)/)
  })

  test('at most a hundred files are named', async () => {
    const { at, backUp } = await makeDatabase(mode)
    for (let n = 0; n < 150; n++) writeFileSync(at(`row ${n}`), 'row')
    const { result } = await backUp(() => {
      for (let n = 0; n < 150; n++) writeFileSync(at(`row ${n}`), 'another row')
    })
    expect(result.changedWhileRead?.count).toBe(150)
    expect(result.changedWhileRead?.names).toHaveLength(100)
  })
})

test('a file that an increment carried over unchanged is checked again', async () => {
  const { at, backUp } = await makeDatabase('increment')
  await backUp(() => {})
  writeFileSync(at('new'), 'so that something is read')
  const { result } = await backUp(() => writeFileSync(at('table'), 'the other half of the transaction'))
  expect(result.changedWhileRead).toEqual({ count: 1, names: ['table'] })
})

import { expect, test } from 'vitest'
import { dropKeptOld, undoRecover } from '../../src/domain/kept-old.ts'
import { asCaller } from '../../src/domain/user-world.ts'
import type { KeptOld } from '../../src/wire/kept-old.ts'
import { callerWith } from '../support/callers.ts'
import { ridOf } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'

const IP = '10.0.0.1'
const shop = given.app('shop').proc('web').on(IP).volume('/data/db')

/** The daemon reports a copy whose record nobody has. */
async function start() {
  const { world, daemons } = await shop.inMemory()
  const path = world.inventory.plan.volumes[0]?.path ?? ''
  const at = '2026-11-23T10:00:00Z'
  const keptOld: KeptOld[] = [{ volume: path, rid: ridOf(7), made: at, until: at, bytes: 1, files: 1 }]
  const state = world.servers.get(IP)
  if (state) state.debug = { ...daemons.at(IP).debug, keptOld }
  return { world, daemons, path }
}

test('a copy whose record is gone is undone and dropped at the volume whose daemon reports it', async () => {
  const { world, daemons, path } = await start()
  const undo = { rid: ridOf(7), inUse: 'refuse', plan: false } as const
  for (const answer of [await undoRecover(world, undo), await dropKeptOld(world, ridOf(7))])
    expect(answer).toMatchObject({ args: { destDir: path, kept: ridOf(7) } })
  expect(daemons.at(IP).keptChanges.map(({ change }) => change)).toEqual(['undo', 'drop'])
})

test('a copy whose record is gone is neither undone nor dropped by who may not recover its app', async () => {
  const { world, daemons } = await start()
  const drop = async (caller: ReturnType<typeof callerWith>) => dropKeptOld(asCaller(world, caller), ridOf(7))
  expect(await drop(callerWith('viewer', ['shop']))).toMatchObject({ refused: 'NOT_PERMITTED' })
  expect(await drop(callerWith('admin', ['other']))).toMatchObject({ refused: 'NOT_FOUND' })
  expect(await dropKeptOld(world, ridOf(8))).toMatchObject({ refused: 'NOT_FOUND' })
  expect(daemons.at(IP).keptChanges).toEqual([])
})

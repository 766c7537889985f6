import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import { IP } from '../support/store-samples.ts'

test('a backup that cannot be removed keeps neither other deletes nor the clean-up of a start', async () => {
  const { store, dir, names, warnings, backups } = await given.withBackups(3).store()
  const [stuck, second, third] = backups
  const index = join(dir, IP, `${stuck.name}.index.gz`)
  rmSync(index)
  mkdirSync(index)
  await expect(store.remove([stuck.name])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })

  expect(await store.remove([second.name])).toEqual([second.name])
  expect(names().filter((name) => name.startsWith(second.name))).toEqual([])
  expect(warnings.at(-1)).toContain(`"${stuck.name}" is deleted, but what is left of it cannot be removed`)

  const rid = `1796092020${'a'.repeat(32)}`
  const part = join(dir, IP, `${third.name.replace(/\d+\.tar\.gz$/, '1796092020.tar.gz')}.part-${rid}`)
  writeFileSync(part, 'half')
  const { swept } = await store.settle()
  expect([existsSync(part), swept.includes(stuck.name)]).toEqual([false, false])
  expect((await store.list(IP, { limit: 9 })).backups.map(({ name }) => name)).toEqual([third.name])

  rmdirSync(index)
  expect((await store.settle()).swept).toEqual([stuck.name])
  expect(names().filter((name) => name.startsWith(stuck.name))).toEqual([])
})

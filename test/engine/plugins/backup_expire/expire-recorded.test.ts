import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { isoTime } from '../../../../src/lib/clock.ts'
import { given } from '../../../support/given.ts'
import { secondsClock } from '../../../support/hand-clock.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../../../support/recorded-store.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { SOURCE, T0 } from '../../../support/store-samples.ts'

const DAY = 86_400
const nameOf = (day: number) => `hello-hello.web.web-1-data-db-${T0 - day * DAY}.tar.gz`

async function legacyArchives(days: readonly number[]) {
  const { settings, storeDir, objects } = await given.app('shop').proc('web').volume('/data/db').plugins()
  const namespace = join(storeDir, SERVER)
  const entities = days.map((day) =>
    recordedEntity({ name: nameOf(day), source: SOURCE, created: isoTime((T0 - day * DAY) * 1000) }),
  )
  writeRecordedMeta(namespace, entities)
  for (const day of days) writeFileSync(join(namespace, nameOf(day)), 'an archive')
  const expire = (age: string) =>
    runPlugin(backupExpirePlugin, settings, {
      args: { info: [SOURCE, age, `${SOURCE}@increment`, age] },
      change: { clock: secondsClock(T0 + 60) },
    })
  return { namespace, entities, expire, objects }
}

it('legacy archives expire by the age in .meta, all but the newest, and their entries are removed', async () => {
  const { namespace, entities, expire, objects } = await legacyArchives([0, 5, 20, 40])
  expect((await expire('10d')).result).toEqual({ deleted: [nameOf(40), nameOf(20)] })
  expect(objects()).toEqual([nameOf(5), nameOf(0)].sort())
  expect((await expire('1m')).result).toEqual({ deleted: [nameOf(5)] })
  expect(objects()).toEqual([nameOf(0)])
  expect(JSON.parse(readFileSync(join(namespace, '.meta'), 'utf8'))).toEqual({ [SOURCE]: [entities[0]] })
})

it('all that are too old expire at once, more than are deleted under one lock', async () => {
  const { expire, objects } = await legacyArchives(Array.from({ length: 251 }, (_, day) => day))
  expect((await expire('1m')).result.deleted).toHaveLength(250)
  expect(objects()).toEqual([nameOf(0)])
})

import { type DeleteBackups, deleteBackups, planDeleteBackups } from '../../src/domain/delete-backups.ts'
import type { DeletePlan } from '../../src/domain/delete-plan.ts'
import { relist } from '../../src/domain/listing.ts'
import type { UserWorld } from '../../src/domain/user-world.ts'
import { CAPABILITIES } from '../../src/wire/capabilities.ts'
import { sampleBackup, sampleListedSnapshot } from './catalog-samples.ts'
import { given } from './given.ts'

export const IP = '10.0.0.1'
const hello = given.app('hello').proc('web').on(IP).volume('/data/db')
export const SERIES = 'hello-hello.web.web-1-data-db'

/** Twenty backups of another volume besides, so that a tenth of all is more than one. */
export async function withBackups(count: number, others = 20, from = hello) {
  const kit = await from.daemon(IP, { capabilities: [...CAPABILITIES] }).inMemory()
  const daemon = kit.daemons.at(IP)
  const make = (n: number, volume: string) =>
    sampleBackup({
      name: `hello-hello.web.web-1-data-${volume}-${1795425846 + n}.tar.gz`,
      ...{ sequence: n + 1, volume: `/data/${volume}`, size: 1000 },
      source: `/data/lain/volumes/hello/hello.web.web/1/data/${volume}`,
    })
  const own = Array.from({ length: count }, (_, n) => make(n, 'db'))
  const rest = Array.from({ length: others }, (_, n) => make(n, 'other'))
  daemon.backups = [...own, ...rest]
  const list = (world: UserWorld = kit.world) =>
    relist(world, IP, { dryRun: false, fromOthers: false, lane: { wait: (answer) => answer } })
  await list()
  const names = own.map(({ name }) => name)
  const ask = { app: 'hello', proc: 'web' }
  return {
    ...kit,
    daemon,
    names,
    list,
    others: rest.map(({ name }) => name),
    remove: (some: string[], more: Partial<DeleteBackups> = {}, world: UserWorld = kit.world) =>
      deleteBackups(world, { ...ask, names: some, ...more }),
    plan: async (some: string[], world: UserWorld = kit.world) =>
      (await planDeleteBackups(world, { ...ask, names: some })) as DeletePlan,
  }
}

export async function withSeries(count: number, others = 100) {
  const kit = await withBackups(0, others)
  const { daemon, list } = kit
  const add = async (more: number) => {
    daemon.snapshots = [
      ...Array.from({ length: more }, () =>
        sampleListedSnapshot({ id: makeId(daemon.snapshots.length), added: 10 }),
      ),
      ...daemon.snapshots,
    ]
    const [newest] = daemon.snapshots
    const id = newest?.id ?? ''
    const lastGood = { id, created: newest?.created ?? '' }
    const series = { snapshots: daemon.snapshots.length, newest: id, lastGood }
    daemon.backups = [
      ...daemon.backups.filter(({ name }) => name !== SERIES),
      sampleBackup({ name: SERIES, mode: 'increment', series }),
    ]
    await list()
  }
  for (let n = 0; n < count; n++) await add(1)
  return { ...kit, add, ids: () => daemon.snapshots.map(({ id }) => id) }
}

function makeId(n: number): string {
  return `${n.toString(16).padStart(4, '0')}${'b'.repeat(60)}`
}

import { type ControllerInput, closeWorld, createWorld } from '../../../src/domain/controller.ts'
import { acceptInventory } from '../../../src/domain/inventory.ts'
import { listJobsInOrder } from '../../../src/domain/plan.ts'
import type { RecordStore } from '../../../src/domain/ports.ts'
import { createMailClient } from '../../../src/fleet/mail-client.ts'
import { createWebhookClient } from '../../../src/fleet/webhook-client.ts'
import { isoTime } from '../../../src/lib/clock.ts'
import { backupName } from '../../../src/wire/archive-name.ts'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import type { DaemonDebug } from '../../../src/wire/daemon-api.ts'
import type { Inventory } from '../../../src/wire/inventory.ts'
import { asAdmin } from '../callers.ts'
import { sampleBackup } from '../catalog-samples.ts'
import { handClock } from '../hand-clock.ts'
import { keepingLog } from '../keeping-log.ts'
import { onEnd } from '../lifetime.ts'
import { MemoryDaemon, memoryDaemons } from '../memory-daemons.ts'
import { T0 } from '../store-samples.ts'
import { openCatalogIn, tempFolder } from '../temp-catalog.ts'
import { checkStarted, type Facts } from './facts.ts'
import { toInventory } from './inventory.ts'
import { subjectOf } from './subject.ts'

export interface InMemoryOptions
  extends Partial<Pick<ControllerInput, 'clock' | 'trustedClock' | 'newsLimits'>> {
  /** The folder of the catalog; a new one if absent. */
  folder?: string
  /** Wraps the records of the catalog. */
  wrapRecords?(records: RecordStore): RecordStore
}

export type InMemory = Awaited<ReturnType<typeof startInMemory>>

/** After all described backups were made. */
const START = '2026-11-23T10:00:00Z'

/** A controller without HTTP: the real catalog, daemons in memory, a clock moved by hand. The inventory is in force. */
export async function startInMemory(facts: Facts, options: InMemoryOptions = {}) {
  const { folder, wrapRecords = (records) => records, ...input } = options
  checkStarted(facts, 'inMemory')
  checkServers(facts)
  const [clock, log] = [handClock(START), keepingLog()]
  const catalog = await openCatalogIn(folder ?? (await tempFolder()), clock)
  const daemons = daemonsOf(facts)
  const memory = inventoryMemory()
  const webhooks = createWebhookClient()
  onEnd(() => webhooks.close())
  const reopen = async () => {
    const opened = await createWorld({
      ports: {
        ...catalog,
        records: wrapRecords(catalog.records),
        daemon: daemons,
        inventoryMemory: memory.port,
        webhooks,
        mail: createMailClient(),
      },
      settings: { ...SETTINGS, identity: catalog.identity },
      clock,
      log,
      random: () => 1,
      ...input,
    })
    return asAdmin(opened)
  }
  const world = await reopen()
  onEnd(async () => {
    await closeWorld(world)
    await catalog.close()
  })
  /** Accepts an inventory and waits until it was sent to every daemon. */
  const take = async (inventory: Inventory) => {
    await acceptInventory(world, { kind: 'inventory', inventory })
    await world.background.settled()
  }
  if (facts.apps.length > 0) await take(toInventory(facts))
  return {
    world,
    daemons,
    clock,
    log,
    catalog,
    take,
    memory,
    reopen,
    /** Of all servers; the job of each that expires backups counts, too. */
    jobIds: () => [...listJobsInOrder(world.inventory.plan)].map(({ id }) => id),
  }
}

/** Without a server there are neither jobs nor a daemon that has the backups. */
function checkServers({ apps, daemons, backups }: Facts): void {
  const procs = apps.flatMap((app) => app.procs)
  const lost = procs.find(({ servers, volumes }) => servers.length === 0 && volumes.length > 0)
  if (lost) throw new Error(`${lost.name} is on no server, so inMemory() has no job of it: call on() first`)
  const hasDaemon = daemons.size > 0 || procs.some(({ servers }) => servers.length > 0)
  if (backups > 0 && !hasDaemon) throw new Error('No daemon has the backups: call on() first')
}

const SETTINGS = {
  advertise: 'http://10.0.0.9:9002',
  volumeRoot: '/data/lain/volumes',
  keepRecordsMs: 400 * 86_400_000,
  overdueGraceMs: 600_000,
  newsFrom: () => [],
  takesOver: () => false,
}

function inventoryMemory() {
  const memory: { inventory: Inventory | undefined } = { inventory: undefined }
  const port = {
    load: async () => memory.inventory,
    async save(inventory: Inventory) {
      memory.inventory = inventory
    },
  }
  return Object.assign(memory, { port })
}

/** The daemon of each server; the first one has the backups. */
function daemonsOf(facts: Facts) {
  const made = memoryDaemons()
  const servers = facts.apps.flatMap(({ procs }) => procs.flatMap((proc) => proc.servers))
  const described = new Map<string, Partial<DaemonDebug>>(servers.map((ip) => [ip, {}]))
  for (const [ip, debug] of facts.daemons) described.set(ip, debug)
  for (const [ip, debug] of described) made.add(new MemoryDaemon(ip, debug))
  const [first] = described.keys()
  if (first !== undefined) made.at(first).backups = backupsOn(first, facts)
  return made
}

/** The first is `sampleBackup()`, but for the volume; each further one was made a second later, all before START. */
function backupsOn(server: string, facts: Facts): BackupInfo[] {
  const { archive, place, ...volume } = subjectOf(facts)
  return Array.from({ length: facts.backups }, (_, at) =>
    sampleBackup({
      ...volume,
      server,
      source: `${SETTINGS.volumeRoot}/${place}`,
      name: backupName(archive, T0 + at),
      created: isoTime((T0 + at) * 1000 + 799),
      sequence: at + 1,
    }),
  )
}

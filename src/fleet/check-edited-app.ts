import type { InventoryApp, InventoryInstance, InventoryProc } from '../wire/inventory.ts'
import { checkInventory, MAX_PLACES } from './check-inventory.ts'
import type { WrittenProc } from './inventory-apps.ts'
import { YamlReader } from './yaml-reader.ts'

/** More volumes on the servers of one app are checked with the whole file, in its thread. */
const MAX_NEIGHBOURS = 5000

/** Whether an app that was edited fits to the others: see checkInventory(). False also if that would take too long. */
export function checkEditedApp(edited: InventoryApp, apps: readonly InventoryApp[]): boolean {
  const all = [...apps.filter(({ name }) => name !== edited.name), edited]
  const instances = all.flatMap(({ procs }) => procs.flatMap((proc) => proc.instances))
  const servers = new Set(edited.procs.flatMap((proc) => proc.instances.map(({ server }) => server)))
  const neighbours = instances.filter(({ server }) => servers.has(server))
  if (countVolumes(instances) > MAX_PLACES || countVolumes(neighbours) > MAX_NEIGHBOURS) return false
  const reader = new YamlReader('')
  checkInventory(
    reader,
    all.flatMap((app) => listWritten(app, servers)),
  )
  return reader.problems.length === 0
}

function countVolumes(instances: readonly InventoryInstance[]): number {
  return instances.reduce((sum, { volumes }) => sum + volumes.length, 0)
}

/** Those of its procs that run on these servers; every instance has the same volumes. */
function listWritten(app: InventoryApp, servers: ReadonlySet<string>): WrittenProc[] {
  return app.procs.flatMap((proc) => {
    const here = proc.instances.filter(({ server }) => servers.has(server))
    return here.length === 0 ? [] : [toWritten(app.name, proc, here)]
  })
}

function toWritten(app: string, proc: InventoryProc, instances: InventoryInstance[]): WrittenProc {
  return {
    app,
    proc,
    instances: instances.map((instance) => ({ ...instance, at: 0 })),
    volumes: (instances[0]?.volumes ?? []).map((volume) => ({ ...volume, keyAt: 0 })),
  }
}

import type { Interruptible } from '../lib/in-slices.ts'
import type { InventoryApp, InventoryInstance, InventoryProc } from '../wire/inventory.ts'
import { checkInventory, MAX_PLACES } from './check-inventory.ts'
import type { WrittenProc } from './inventory-apps.ts'
import { YamlReader } from './yaml-reader.ts'

/** Whether an app that was edited fits to the others: see checkInventory(). Checks each of its servers on its own. */
export function* checkEditedApp(edited: InventoryApp, apps: readonly InventoryApp[]): Interruptible<boolean> {
  const all = [...apps.filter(({ name }) => name !== edited.name), edited]
  if ((yield* countPlaces(all)) > MAX_PLACES) return false
  const reader = new YamlReader('')
  for (const procs of (yield* listByServer(edited, all)).values()) {
    checkInventory(reader, procs)
    if (reader.problems.length > 0) return false
    yield
  }
  return true
}

function* countPlaces(apps: readonly InventoryApp[]): Interruptible<number> {
  let count = 0
  for (const { procs } of apps) {
    for (const { instances } of procs) for (const { volumes } of instances) count += volumes.length
    yield
  }
  return count
}

/** What runs on the servers of the app, by server. */
function* listByServer(
  edited: InventoryApp,
  apps: readonly InventoryApp[],
): Interruptible<Map<string, WrittenProc[]>> {
  const servers = new Set(edited.procs.flatMap((proc) => proc.instances.map(({ server }) => server)))
  const found = new Map<string, WrittenProc[]>([...servers].map((server) => [server, []]))
  for (const app of apps) {
    for (const proc of app.procs) {
      const here = proc.instances.filter(({ server }) => servers.has(server))
      for (const [server, instances] of Map.groupBy(here, (instance) => instance.server))
        found.get(server)?.push(toWritten(app.name, proc, instances))
    }
    yield
  }
  return found
}

/** Every instance of a proc has the same volumes. */
function toWritten(app: string, proc: InventoryProc, instances: InventoryInstance[]): WrittenProc {
  return {
    app,
    proc,
    instances: instances.map((instance) => ({ ...instance, at: 0 })),
    volumes: (instances[0]?.volumes ?? []).map((volume) => ({ ...volume, keyAt: 0 })),
  }
}

import type {
  Inventory,
  InventoryProc,
  InventorySchedule,
  InventoryVolume,
} from '../../../src/wire/inventory.ts'
import type { Facts, ProcFacts, VolumeFacts } from './facts.ts'

/** A full backup each day, kept for 30 days. */
export function sampleSchedule(changes: Partial<InventorySchedule> = {}): InventorySchedule {
  return { mode: 'full', spec: '0 5 * * *', expire: '30d', preRun: '', postRun: '', ...changes }
}

export function toInventory({ apps }: Facts): Inventory {
  return { apps: apps.map(({ name, procs }) => ({ name, procs: procs.map(toProc) })) }
}

function toProc({ name, servers, volumes }: ProcFacts): InventoryProc {
  const instances = servers.map((server, at) => ({
    no: at + 1,
    server,
    containers: [`c${at + 1}`],
    volumes: volumes.map(toVolume),
  }))
  return { name, shortName: name.split('.').at(-1) ?? '', instances }
}

function toVolume({ name, more, schedules }: VolumeFacts): InventoryVolume {
  const described = schedules.length === 0 ? [{}] : schedules
  return { name, path: null, schedules: described.map(sampleSchedule), ...more }
}

import type { Inventory, InventoryProc } from '../../src/wire/inventory.ts'
import { sampleSchedule } from './given/inventory.ts'

export interface FleetShape {
  apps: number
  /** Instances of the one proc of each app, each on the next server. */
  instances: number
  volumes: number
  servers: number
}

/** Apps `app0`, `app1`, …, on servers 10.0.0.0, 10.0.0.1, …, each volume with one job. */
export function bigInventory(shape: FleetShape): Inventory {
  return {
    apps: Array.from({ length: shape.apps }, (_, at) => ({
      name: `app${at}`,
      procs: [makeProc(`app${at}.web.web`, at * shape.instances, shape)],
    })),
  }
}

function makeProc(name: string, first: number, { instances, volumes, servers }: FleetShape): InventoryProc {
  return {
    name,
    shortName: 'web',
    instances: Array.from({ length: instances }, (_, at) => ({
      no: at + 1,
      server: serverIp((first + at) % servers),
      containers: [],
      volumes: Array.from({ length: volumes }, (_, volume) => ({
        name: `/data/${volume}`,
        path: null,
        schedules: [sampleSchedule()],
      })),
    })),
  }
}

export function serverIp(at: number): string {
  return `10.0.${at >> 8}.${at & 255}`
}

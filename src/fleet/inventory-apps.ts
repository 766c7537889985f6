import { isIPv4 } from 'node:net'
import type { InventoryApp, InventoryInstance, InventoryProc } from '../wire/inventory.ts'
import { INVENTORY_VOLUMES, readVolumes, type WrittenVolume } from './inventory-volumes.ts'
import { isAppName, parseInventoryProc } from './proc-name.ts'
import type { Value, YamlEntry, YamlReader } from './yaml-reader.ts'

/** A proc with the offsets of its parts in the file, so that later checks can name the line. */
export interface WrittenProc {
  app: string
  proc: Omit<InventoryProc, 'instances'>
  instances: WrittenInstance[]
  volumes: WrittenVolume[]
}

export interface WrittenInstance extends Omit<InventoryInstance, 'volumes'> {
  at: number
}

export const PROC_FIELDS = {
  known: ['on', 'volumes'],
  needed: ['on', 'volumes'],
  example: '{ on: [10.0.0.1], volumes: { /data/db: … } }',
} as const
export const INSTANCE_FIELDS = {
  known: ['server', 'instance', 'containers'],
  needed: ['server'],
  example: '{ server: 10.0.0.2, instance: 7, containers: [c1] }',
} as const
const APP_EXAMPLE = 'shop: { web: { on: [10.0.0.1], volumes: … } }'

/** Reads the `apps:` of an inventory file. */
export function readApps(reader: YamlReader, value: Value): WrittenProc[] {
  return reader.entries(value, APP_EXAMPLE).flatMap((app) => readApp(reader, app))
}

function readApp(reader: YamlReader, app: YamlEntry): WrittenProc[] {
  if (!isAppName(app.key)) {
    reader.problem(
      { at: app.keyAt },
      `"${app.key}" is not a valid name of an app: use letters, digits, "-" and "_", 100 at most`,
    )
    return []
  }
  const seen = new Set<string>()
  return reader.entries(app, 'web: { on: [10.0.0.1], volumes: … }').flatMap((entry) => {
    const proc = parseInventoryProc(app.key, entry.key)
    if (!proc) return reportUnknownProc(reader, app.key, entry)
    if (seen.has(proc.name))
      reader.problem(
        { at: entry.keyAt },
        `the proc ${proc.name} appears here for the second time: keep one of them`,
      )
    seen.add(proc.name)
    return [{ app: app.key, proc, ...readInventoryProc(reader, entry) }]
  })
}

function reportUnknownProc(reader: YamlReader, app: string, { key, keyAt }: YamlEntry): [] {
  const example = `web for ${app}.web.web, or worker.NAME, or the full name ${app}.worker.NAME`
  reader.problem({ at: keyAt }, `"${key}" is not a proc, expected ${example}`)
  return []
}

function readInventoryProc(reader: YamlReader, entry: YamlEntry): Pick<WrittenProc, 'instances' | 'volumes'> {
  const { on, volumes } = reader.fields(entry, PROC_FIELDS)
  return {
    instances: on ? readInstances(reader, on) : [],
    volumes: volumes ? readVolumes(reader, volumes, INVENTORY_VOLUMES) : [],
  }
}

function readInstances(reader: YamlReader, on: Value): WrittenInstance[] {
  const seen = new Set<number>()
  const items = reader.list(on, '[10.0.0.1, 10.0.0.2], or - { server: 10.0.0.2, instance: 7 }')
  return items.flatMap((item, index) => {
    const instance = readInstance(reader, item, index + 1)
    if (!instance) return []
    if (seen.has(instance.no))
      reader.problem(item, `instance ${instance.no} appears here for the second time: give it another number`)
    seen.add(instance.no)
    return [instance]
  })
}

function readInstance(reader: YamlReader, item: Value, no: number): WrittenInstance | undefined {
  if (reader.isText(item)) {
    const server = readServer(reader, item)
    return server === undefined ? undefined : { no, server, containers: [], at: item.at }
  }
  const fields = reader.fields(item, INSTANCE_FIELDS)
  const server = fields.server && readServer(reader, fields.server)
  if (server === undefined) return undefined
  return {
    no: fields.instance ? readNumber(reader, fields.instance) : no,
    server,
    containers: fields.containers ? readContainers(reader, fields.containers) : [],
    at: item.at,
  }
}

function readServer(reader: YamlReader, value: Value): string | undefined {
  const server = reader.text(value, '10.0.0.1')
  if (server === undefined || isIPv4(server)) return server
  return reader.problem(
    value,
    `"${server}" is not an IPv4 address of a server, expected one such as 10.0.0.1`,
  )
}

function readNumber(reader: YamlReader, value: Value): number {
  const text = reader.text(value, 'instance: 7') ?? ''
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  reader.problem(value, `"${text}" is not a valid instance number, expected 1, 2, 3, …`)
  return 0
}

function readContainers(reader: YamlReader, value: Value): string[] {
  return reader.list(value, 'containers: [c1]').flatMap((item) => {
    const container = reader.text(item, 'c1')
    if (container !== undefined && !/^[A-Za-z0-9][\w.-]*$/.test(container))
      reader.problem(
        item,
        `"${container}" is not a container id or name, expected letters, digits, "_", "." and "-"`,
      )
    return container ?? []
  })
}

/** Converts to the inventory, in which each instance has its own copy of every volume. */
export function toApps(procs: readonly WrittenProc[]): InventoryApp[] {
  return [...Map.groupBy(procs, ({ app }) => app)].map(([name, own]) => ({
    name,
    procs: own.map(({ proc, instances, volumes }) => ({
      ...proc,
      instances: instances.map(({ at, ...instance }) => ({
        ...instance,
        volumes: volumes.map(({ keyAt, ...volume }) => volume),
      })),
    })),
  }))
}

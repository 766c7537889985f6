import { isIPv4 } from 'node:net'
import { posix } from 'node:path'
import { z } from 'zod'
import { parseExpire } from '../lib/durations.ts'
import { messageOf } from '../lib/errors.ts'
import { hasControls } from '../lib/plain-text.ts'
import { parseSpec } from '../lib/schedule/spec.ts'
import { archiveName, MAX_ARCHIVE_NAME_BYTES } from '../wire/archive-name.ts'
import type {
  InventoryInstance,
  InventoryProc,
  InventorySchedule,
  InventoryVolume,
} from '../wire/inventory.ts'
import { parseDrill } from './drill-settings.ts'
import { findPathFlaw } from './find-path-flaw.ts'
import { parseProcKey } from './proc-name.ts'
import { truncate } from './truncate.ts'
import { parseVerify } from './verify-settings.ts'

/** What a pod adds to the inventory for one proc; nearly always only for its own proc. */
export interface PodBackups {
  app: string
  proc: Pick<InventoryProc, 'name' | 'shortName'>
  instance: InventoryInstance
}

const MAX_ANNOTATION_LENGTH = 1024 * 1024
/** Limit of backups in one annotation. */
const MAX_ENTRIES = 1000

const containerSchema = z.object({
  Id: z.string().regex(/^[A-Za-z0-9][\w.-]{0,255}$/),
  NodeIp: z.string(),
})
const podSchema = z.object({
  Annotation: z.string().max(MAX_ANNOTATION_LENGTH),
  Containers: z.array(containerSchema).nullish(),
  InstanceNo: z.number().int().min(0).max(999_999_999),
})
type Pod = z.infer<typeof podSchema>

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const annotationEntrySchema = z.object({
  procname: text,
  volume: text,
  schedule: text,
  expire: text,
  mode: text,
  preRun: text,
  postRun: text,
  verify: z.unknown().optional(),
  drill: z.unknown().optional(),
})
type AnnotationEntry = z.infer<typeof annotationEntrySchema>

/** @param faults receives a sentence for everything that has to be left out */
export function readPod(key: string, value: unknown, faults: string[]): PodBackups[] {
  const no = Object(value).InstanceNo
  const leaveOut = (what: string, why: string) =>
    void faults.push(`${what} of ${truncate(key)}, instance ${truncate(no)}, is left out: ${why}`)
  const pod = podSchema.safeParse(value)
  if (!pod.success) {
    leaveOut('The pod', describeIssue(pod.error))
    return []
  }
  const entries = readAnnotation(pod.data.Annotation)
  if (typeof entries === 'string') leaveOut('The pod', entries)
  if (typeof entries === 'string' || entries.length === 0) return []
  const server = findNode(pod.data)
  const app = parseProcKey(key)?.app
  if (app === undefined) leaveOut('The pod', 'its key is not <app>.<type>.<name>')
  else if (server === undefined)
    leaveOut('The pod', 'its containers are not on one node with an IPv4 address')
  else return assemble({ app, server, pod: pod.data }, entries, leaveOut)
  return []
}

/** The unchecked entries, or a text that says why none can be read. */
function readAnnotation(annotation: string): unknown[] | string {
  if (annotation === '') return []
  let parsed: unknown
  try {
    parsed = JSON.parse(annotation)
  } catch (error) {
    return `its annotation is not JSON: ${truncate(messageOf(error))}`
  }
  if (typeof parsed !== 'object' || parsed === null) return 'its annotation is not a JSON object'
  const backup = 'backup' in parsed ? parsed.backup : null
  if (backup === null) return []
  if (!Array.isArray(backup)) return 'the "backup" of its annotation is not a list'
  return backup.length > MAX_ENTRIES ? `it has more than ${MAX_ENTRIES} backups` : backup
}

/** The machine of a pod; undefined unless all its containers are on the same one. */
function findNode({ Containers }: Pod): string | undefined {
  const [node, ...others] = new Set((Containers ?? []).map(({ NodeIp }) => NodeIp))
  return node !== undefined && others.length === 0 && isIPv4(node) ? node : undefined
}

interface PodOrigin {
  app: string
  server: string
  pod: Pod
}

type LeaveOut = (what: string, why: string) => void

function assemble({ app, server, pod }: PodOrigin, entries: unknown[], leaveOut: LeaveOut): PodBackups[] {
  const byProc = new Map<string, PodBackups>()
  for (const [at, value] of entries.entries()) {
    const entry = annotationEntrySchema.safeParse(value)
    const what = entry.success && entry.data.volume ? truncate(entry.data.volume) : `Backup ${at + 1}`
    const flaw = entry.success ? findFlaw(entry.data, app, pod) : describeIssue(entry.error)
    if (flaw !== undefined || !entry.success) {
      leaveOut(what, flaw ?? '')
      continue
    }
    const { procname, volume, expire } = entry.data
    const unreadable = findExpireFlaw(expire)
    if (unreadable) leaveOut(`The expire of ${what}`, `${unreadable}. Its backups never expire`)
    const known = byProc.get(procname) ?? {
      app,
      proc: { name: procname, shortName: parseProcKey(procname)?.name ?? procname },
      instance: {
        no: pod.InstanceNo,
        server,
        containers: (pod.Containers ?? []).map(({ Id }) => Id),
        volumes: [],
      },
    }
    byProc.set(procname, known)
    const planned = findOrAddVolume(known.instance, volume)
    planned.schedules.push(toSchedule(entry.data, unreadable ? '' : expire))
    const flawed = messageOfThrown(() => addVerify(planned, entry.data.verify))
    if (flawed) leaveOut(`The verify of ${what}`, flawed)
    const drill = messageOfThrown(() => addDrill(planned, entry.data.drill))
    if (drill) leaveOut(`The drill of ${what}`, drill)
  }
  return [...byProc.values()]
}

/** Why an entry cannot be used; undefined if it can. */
function findFlaw(entry: AnnotationEntry, app: string, { InstanceNo }: Pod): string | undefined {
  const missing = (['procname', 'volume', 'schedule', 'expire'] as const).filter((name) => entry[name] === '')
  if (missing.length > 0) return `it lacks ${missing.join(', ')}`
  if (parseProcKey(entry.procname)?.app !== app)
    return `its procname "${truncate(entry.procname)}" is not a proc of ${app}`
  const path = posix.join('/', entry.volume).replace(/(?<=.)\/$/, '')
  const flaw = entry.volume.split('/').includes('..') ? findPathFlaw(entry.volume) : findPathFlaw(path)
  if (flaw) return `its volume ${flaw}`
  const archive = archiveName({ app, proc: entry.procname, instanceNo: InstanceNo, volume: path })
  if (Buffer.byteLength(archive) > MAX_ARCHIVE_NAME_BYTES)
    return 'its backups would have names that are too long'
  if (!['', 'full', 'increment'].includes(entry.mode))
    return `its mode "${truncate(entry.mode)}" is not known`
  if (hasControls(entry.preRun + entry.postRun)) return 'its hooks have control characters in them'
  return messageOfThrown(() => parseSpec(entry.schedule))
}

function findExpireFlaw(expire: string): string | undefined {
  return messageOfThrown(() => parseExpire(expire))
}

function messageOfThrown(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    return truncate(messageOf(error))
  }
}

function findOrAddVolume(instance: InventoryInstance, name: string): InventoryVolume {
  const known = instance.volumes.find((volume) => volume.name === name)
  if (known) return known
  const volume: InventoryVolume = { name, path: null, schedules: [] }
  instance.volumes.push(volume)
  return volume
}

/** An entry of a volume that has another `verify` replaces it. */
function addVerify(volume: InventoryVolume, verify: unknown): void {
  if (verify != null) volume.verify = parseVerify(verify)
}

/** As addVerify. */
function addDrill(volume: InventoryVolume, drill: unknown): void {
  if (drill != null) volume.drill = parseDrill(drill)
}

function toSchedule({ mode, schedule, preRun, postRun }: AnnotationEntry, expire: string): InventorySchedule {
  const rest = { spec: schedule, expire, preRun, postRun }
  if (mode === '') return { mode: 'full', namesNoMode: true, ...rest }
  return { mode: mode === 'increment' ? 'increment' : 'full', ...rest }
}

function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues
  const where = issue?.path.length ? ` (${issue.path.join('.')})` : ''
  return `it has another shape${where}: ${truncate(issue?.message)}`
}

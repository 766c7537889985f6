import { BackupdError } from '../lib/errors.ts'
import type { Inventory, InventoryApp, InventoryProc } from '../wire/inventory.ts'
import { MAX_PLACES } from './check-inventory.ts'
import { findProofConflicts, type ProofPlace } from './find-proof-conflicts.ts'
import { readPod } from './pod-backups.ts'
import { truncate } from './truncate.ts'

export interface BackupSpec {
  inventory: Inventory
  /** What had to be left out, one sentence each. */
  faults: string[]
}

/** How many faults are listed; the rest are counted. */
const MAX_FAULTS = 200

/**
 * Parses the document of lainlet's /v2/backupspec: `<app>.<type>.<name>` → pods. An unreadable pod is left out and
 * becomes a fault. Throws BAD_INPUT if the whole document is unreadable.
 */
export function readBackupSpec(text: string): BackupSpec {
  const spec: BackupSpec = { inventory: { apps: [] }, faults: [] }
  const apps = new Map<string, Map<string, InventoryProc>>()
  const seen = new Set<string>()
  let places = 0
  for (const [key, pods] of Object.entries(readDocument(text))) {
    for (const pod of readPods(key, pods, spec.faults)) {
      places += addPod(apps, { key, pod, seen, faults: spec.faults })
      if (places > MAX_PLACES) throw makeTooManyError()
    }
  }
  spec.inventory.apps = [...apps].map(([name, procs]): InventoryApp => ({ name, procs: [...procs.values()] }))
  for (const { key, message } of findProofConflicts(listPlaces(spec.inventory)))
    spec.faults.push(`A "${key}" is left out: ${message}`)
  spec.faults = limitFaults(spec.faults)
  return spec
}

function readDocument(text: string): object {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `it sent what is not JSON: ${truncate((cause as Error).message)}`, {
      cause,
    })
  }
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) return document
  throw new BackupdError('BAD_INPUT', 'it sent JSON that is not a map of procs')
}

function readPods(key: string, pods: unknown, faults: string[]): unknown[] {
  if (Array.isArray(pods)) return pods
  if (pods !== null) faults.push(`${truncate(key)} is left out: it does not have a list of pods`)
  return []
}

interface PodToAdd {
  key: string
  pod: unknown
  /** Proc and number of every instance read so far. */
  seen: Set<string>
  faults: string[]
}

/** @returns how many volumes the pod has */
function addPod(apps: Map<string, Map<string, InventoryProc>>, { key, pod, seen, faults }: PodToAdd): number {
  let count = 0
  for (const { app, proc, instance } of readPod(key, pod, faults)) {
    const name = `${proc.name} ${instance.no}`
    if (seen.has(name)) {
      faults.push(
        `Instance ${instance.no} of ${proc.name} on ${instance.server} is left out: it is there already`,
      )
      continue
    }
    seen.add(name)
    const procs = apps.get(app) ?? new Map<string, InventoryProc>()
    apps.set(app, procs)
    const known = procs.get(proc.name) ?? { ...proc, instances: [] }
    procs.set(proc.name, known)
    known.instances.push(instance)
    count += instance.volumes.length
  }
  return count
}

function makeTooManyError(): BackupdError {
  return new BackupdError(
    'BAD_INPUT',
    `it names more than ${MAX_PLACES} volumes, the limit of one controller`,
  )
}

function* listPlaces({ apps }: Inventory): Generator<ProofPlace> {
  for (const { procs } of apps)
    for (const { name: proc, instances } of procs)
      for (const { no, server, volumes } of instances)
        for (const { name, verify, drill } of volumes)
          if (verify || drill)
            yield {
              label: `${name} of ${proc}, instance ${no}`,
              server,
              ...(verify && { verify }),
              ...(drill && { drill }),
            }
}

function limitFaults(faults: string[]): string[] {
  if (faults.length <= MAX_FAULTS) return faults
  return [...faults.slice(0, MAX_FAULTS), `… and ${faults.length - MAX_FAULTS} more`]
}

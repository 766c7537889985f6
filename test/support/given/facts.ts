import type { DaemonDebug } from '../../../src/wire/daemon-api.ts'
import type { InventorySchedule, InventoryVolume } from '../../../src/wire/inventory.ts'
import type { Content } from './content.ts'
import type { Subject } from './subject.ts'

// The facts that a test describes. Plain values: `given.ts` collects them, the other files of this folder start them.

export interface AppFacts {
  readonly name: string
  readonly procs: readonly ProcFacts[]
}

export interface ProcFacts {
  /** The full name: `hello.web.web`. */
  readonly name: string
  /** Of instance 1, 2, … */
  readonly servers: readonly string[]
  readonly volumes: readonly VolumeFacts[]
}

export interface VolumeFacts {
  readonly name: string
  /** What differs from a volume at its usual path. */
  readonly more: Partial<InventoryVolume>
  /** Empty: one full backup a day. */
  readonly schedules: readonly Partial<InventorySchedule>[]
}

export interface Facts<Backups extends number = number, Snapshots extends number = number> {
  readonly apps: readonly AppFacts[]
  /** Daemons by IP, and how their descriptions of themselves differ from the usual. */
  readonly daemons: ReadonlyMap<string, Partial<DaemonDebug>>
  /** The id of the daemon that claims a store. */
  readonly owner: string
  /** The volume whose backups were described; null: the last one. */
  readonly subject: Subject | null
  /** Written into the subject before its backups are made. */
  readonly files: readonly Content[]
  /** Written into the subject after its backups were made. */
  readonly changes: readonly Content[]
  /** The subject is a mount point. */
  readonly ownMount: boolean
  /** Full backups of the subject. */
  readonly backups: Backups
  /** In its series. */
  readonly snapshots: Snapshots
}

export const NOTHING: Facts<0, 0> = {
  apps: [],
  daemons: new Map(),
  owner: 'daemon-a',
  subject: null,
  files: [],
  changes: [],
  ownMount: false,
  backups: 0,
  snapshots: 0,
}

const NO_APP: AppFacts = { name: 'hello', procs: [] }

export function addProc<F extends Facts>(facts: F, name: string): F {
  const { name: app, procs } = facts.apps.at(-1) ?? NO_APP
  const full = name.includes('.') ? name : `${app}.web.${name}`
  const changed = { name: app, procs: [...procs, { name: full, servers: [], volumes: [] }] }
  return { ...facts, apps: [...facts.apps.slice(0, -1), changed] }
}

export function changeLastProc<F extends Facts>(facts: F, change: (proc: ProcFacts) => ProcFacts): F {
  const { name, procs } = facts.apps.at(-1) ?? NO_APP
  const last = procs.at(-1)
  if (!last) return changeLastProc(addProc(facts, 'web'), change)
  return {
    ...facts,
    apps: [...facts.apps.slice(0, -1), { name, procs: [...procs.slice(0, -1), change(last)] }],
  }
}

export function changeLastVolume<F extends Facts>(facts: F, change: (volume: VolumeFacts) => VolumeFacts): F {
  return changeLastProc(facts, (proc) => {
    const last = proc.volumes.at(-1)
    if (!last) throw new Error(`${proc.name} has no volume yet: call volume() first`)
    return { ...proc, volumes: [...proc.volumes.slice(0, -1), change(last)] }
  })
}

type OfVolume = 'files' | 'changes' | 'backups' | 'snapshots' | 'ownMount'

/** The call that describes each fact. */
const CALLS: Record<OfVolume, string> = {
  files: 'files()',
  changes: 'changedTo()',
  backups: 'withBackups()',
  snapshots: 'withSnapshots()',
  ownMount: 'onOwnMount()',
}
const OF_VOLUME = Object.keys(CALLS) as OfVolume[]

/** Which facts of a volume each starting call uses. */
const STARTED = {
  onDisk: ['files', 'ownMount'],
  inMemory: ['backups'],
  store: ['backups', 'snapshots'],
  unclaimedStore: [],
  plugins: ['files', 'backups', 'snapshots'],
  repository: ['files', 'snapshots'],
  unmadeRepository: ['files'],
  running: ['files', 'backups', 'changes'],
} as const satisfies Record<string, readonly OfVolume[]>

/** Throws if the starting call ignores a described fact: the test would begin with less than it says. */
export function checkStarted(facts: Facts, end: keyof typeof STARTED): void {
  const described = OF_VOLUME.filter((name) => isDescribed(facts[name]))
  const started: readonly OfVolume[] = STARTED[end]
  const missed = described.filter((name) => !started.includes(name))
  if (missed.length === 0) return
  const others = Object.entries<readonly OfVolume[]>(STARTED)
    .filter(([, those]) => described.every((name) => those.includes(name)))
    .map(([other]) => `${other}()`)
  const calls = missed.map((name) => CALLS[name]).join(', ')
  throw new Error(
    `${end}() starts nothing of ${calls}. Calls that start all of it: ${others.join(', ') || 'none'}`,
  )
}

function isDescribed(fact: boolean | number | readonly unknown[]): boolean {
  return typeof fact === 'object' ? fact.length > 0 : Boolean(fact)
}

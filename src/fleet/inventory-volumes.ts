import { parseExpire } from '../lib/durations.ts'
import { messageOf } from '../lib/errors.ts'
import { parseSpec } from '../lib/schedule/spec.ts'
import { BACKUP_HOOKS, RECOVER_HOOKS } from '../wire/hook.ts'
import type { InventorySchedule, InventoryVolume } from '../wire/inventory.ts'
import { readDrill } from './drill-settings.ts'
import { findPathFlaw } from './find-path-flaw.ts'
import { readHooks, readRecoverHooks } from './read-hooks.ts'
import { readTimeLimit } from './read-time-limit.ts'
import { readVerify } from './verify-settings.ts'
import type { Value, YamlEntry, YamlReader } from './yaml-reader.ts'

/** A volume as written in the file, for every instance of its proc. */
export interface WrittenVolume extends InventoryVolume {
  /** Offset of its name in the file. */
  keyAt: number
}

export interface VolumeRules {
  /** The directory of lain.yaml volumes without a leading slash; null if paths must be absolute. */
  base: string | null
  known: readonly VolumeField[]
}

const LAIN_FIELDS = [
  'consistency',
  'verify',
  'drill',
  'backup_full',
  'backup_increment',
  ...RECOVER_HOOKS,
] as const
type VolumeField = 'path' | (typeof LAIN_FIELDS)[number]

export const INVENTORY_VOLUMES: VolumeRules = {
  base: null,
  known: ['path', ...LAIN_FIELDS],
}
export const LAIN_VOLUMES: VolumeRules = {
  base: '/lain/app',
  known: LAIN_FIELDS,
}

const COMMON_FIELDS = ['schedule', 'expire', ...BACKUP_HOOKS, 'time_limit'] as const
export const SCHEDULE_FIELDS = {
  full: COMMON_FIELDS,
  increment: [...COMMON_FIELDS, 'reread_every'],
} as const
type ScheduleField = (typeof SCHEDULE_FIELDS)['increment'][number]
const SCHEDULE_RULES = {
  needed: ['schedule', 'expire'],
  example: '{ schedule: "0 5 * * *", expire: 30d }',
} as const
/** A longer limit is probably a mistake in the unit. */
const MAX_TIME_LIMIT_SECONDS = 365 * 86_400
const EXAMPLE = '/data/db: { backup_full: { schedule: "0 5 * * *", expire: 30d } }'

/** Reads a map of volumes, or lain.yaml's list of one-key maps and plain names. */
export function readVolumes(reader: YamlReader, value: Value, rules: VolumeRules): WrittenVolume[] {
  const entries = reader.isMap(value)
    ? reader.entries(value, EXAMPLE)
    : reader.list(value, `- ${EXAMPLE}`).flatMap((item) => readListedVolume(reader, item))
  const seen = new Set<string>()
  return entries.flatMap((entry) => {
    const volume = readVolume(reader, entry, rules)
    if (!volume) return []
    if (seen.has(volume.name))
      reader.problem(
        { at: entry.keyAt },
        `the volume ${volume.name} appears here for the second time: keep one of them`,
      )
    seen.add(volume.name)
    return [volume]
  })
}

function readListedVolume(reader: YamlReader, item: Value): YamlEntry[] {
  if (!reader.isText(item)) return reader.entries(item, EXAMPLE)
  const name = reader.text(item, '/data/db')
  return name === undefined ? [] : [{ key: name, keyAt: item.at, node: null, at: item.at }]
}

function readVolume(
  reader: YamlReader,
  entry: YamlEntry,
  { base, known }: VolumeRules,
): WrittenVolume | undefined {
  const name = base === null || entry.key.startsWith('/') ? entry.key : `${base}/${entry.key}`
  const flaw = findPathFlaw(name)
  if (flaw) return reader.problem({ at: entry.keyAt }, `the volume "${entry.key}" ${flaw}`)
  const fields = reader.isEmpty(entry) ? {} : reader.fields(entry, { known, example: EXAMPLE })
  const { path, consistency, backup_full, backup_increment } = fields
  const verify = fields.verify && readVerify(reader, fields.verify)
  const drill = fields.drill && readDrill(reader, fields.drill)
  const recoverHooks = readRecoverHooks(reader, fields)
  const schedules = [
    readSchedule(reader, 'full', backup_full),
    readSchedule(reader, 'increment', backup_increment),
  ]
  return {
    name,
    keyAt: entry.keyAt,
    path: path ? readPath(reader, path) : null,
    ...(consistency && readConsistency(reader, consistency)),
    ...(verify && { verify }),
    ...(drill && { drill }),
    ...(recoverHooks && { recoverHooks }),
    schedules: schedules.filter((schedule) => schedule !== undefined),
  }
}

function readPath(reader: YamlReader, value: Value): string | null {
  const path = reader.text(value, '/srv/shop/db')
  const flaw = path === undefined ? undefined : findPathFlaw(path)
  if (flaw) reader.problem(value, `the path "${path}" ${flaw}`)
  return path ?? null
}

/** Leaves out `any`, which is the default. */
function readConsistency(reader: YamlReader, value: Value): Pick<InventoryVolume, 'consistency'> {
  const word = reader.text(value, 'strict')
  if (word === 'strict') return { consistency: word }
  if (word !== undefined && word !== 'any')
    reader.problem(value, `"${word}" is not a consistency, expected strict or any`)
  return {}
}

function readSchedule(
  reader: YamlReader,
  mode: InventorySchedule['mode'],
  value: YamlEntry | undefined,
): InventorySchedule | undefined {
  if (!value) return undefined
  const rules = { known: SCHEDULE_FIELDS[mode], ...SCHEDULE_RULES }
  const fields = reader.fields<ScheduleField>(value, rules)
  const { schedule, expire, time_limit, reread_every } = fields
  const timeLimitSeconds = time_limit && readTimeLimit(reader, time_limit, MAX_TIME_LIMIT_SECONDS)
  return {
    mode,
    spec: schedule ? readSpec(reader, schedule) : '',
    expire: expire ? readExpire(reader, expire) : '',
    ...readHooks(reader, fields),
    ...(timeLimitSeconds && { timeLimitSeconds }),
    ...(reread_every && readRereadEvery(reader, reread_every)),
  }
}

function readSpec(reader: YamlReader, value: Value): string {
  const spec = reader.text(value, '"0 5 * * *"') ?? ''
  try {
    parseSpec(spec)
  } catch (error) {
    reader.problem(value, messageOf(error))
  }
  return spec
}

function readExpire(reader: YamlReader, value: Value): string {
  const expire = reader.text(value, '30d') ?? ''
  try {
    parseExpire(expire)
  } catch (error) {
    reader.problem(value, messageOf(error))
  }
  return expire
}

function readRereadEvery(reader: YamlReader, value: Value): Pick<InventorySchedule, 'rereadEveryDays'> {
  const text = reader.text(value, '30d') ?? ''
  const days = /^([1-9]\d{0,3})d$/.exec(text)?.[1]
  if (days !== undefined) return { rereadEveryDays: Number(days) }
  reader.problem(value, `"${text}" is not a number of days, expected 1d to 9999d, such as 30d`)
  return {}
}

import { messageOf } from '../lib/errors.ts'
import { hasControls } from '../lib/plain-text.ts'
import { type BACKUP_HOOKS, type HookWord, parseHookCommand } from '../wire/hook.ts'
import { type HookOptions, MAX_HOOK_LIMIT_SECONDS, type RecoverHooks } from '../wire/hook-options.ts'
import type { InventorySchedule } from '../wire/inventory.ts'
import { readTimeLimit } from './read-time-limit.ts'
import type { Value, YamlReader } from './yaml-reader.ts'

const HOOK_RULES = {
  known: ['run', 'time_limit', 'policy'],
  needed: ['run'],
  example: '{ run: "quiesce.sh", time_limit: 10m, policy: warn }',
} as const

/** A hook as it is written in the file: a line, or a map with a line and how it is run. */
interface ReadHook {
  text: string
  /** Only what is given. */
  options: HookOptions
}

const NO_HOOK: ReadHook = { text: '', options: {} }

/** Reads the hooks of a schedule. */
export function readHooks(
  reader: YamlReader,
  fields: Partial<Record<(typeof BACKUP_HOOKS)[number], Value>>,
): Pick<InventorySchedule, 'preRun' | 'postRun' | 'hooks'> {
  const [pre, post] = [readHook(reader, fields.pre_run), readHook(reader, fields.post_run)]
  const hooks = {
    ...(hasAny(pre.options) && { pre_run: pre.options }),
    ...(hasAny(post.options) && { post_run: post.options }),
    ...readOwnHook(reader, 'on_failure', fields.on_failure),
    ...readOwnHook(reader, 'always', fields.always),
  }
  return { preRun: pre.text, postRun: post.text, ...(hasAny(hooks) && { hooks }) }
}

/** Reads the hooks of a volume; undefined if it has none. */
export function readRecoverHooks(
  reader: YamlReader,
  fields: Partial<Record<'pre_recover' | 'post_recover', Value>>,
): RecoverHooks | undefined {
  const hooks: RecoverHooks = {
    ...readOwnHook(reader, 'pre_recover', fields.pre_recover),
    ...readOwnHook(reader, 'post_recover', fields.post_recover),
  }
  return hasAny(hooks) ? hooks : undefined
}

/** A hook that the legacy system does not know; empty if it is not used. */
function readOwnHook<Word extends HookWord>(reader: YamlReader, word: Word, value: Value | undefined) {
  const { text, options } = readHook(reader, value, readCommand)
  const hook = { command: text, ...options }
  return text === '' ? {} : ({ [word]: hook } as Record<Word, typeof hook>)
}

/** @param readLine reads a hook that is not a map; the legacy system takes any text for `pre_run` and `post_run` */
function readHook(reader: YamlReader, value: Value | undefined, readLine = readAnyLine): ReadHook {
  if (!value || reader.isEmpty(value)) return NO_HOOK
  return reader.isMap(value) ? readHookMap(reader, value) : { text: readLine(reader, value), options: {} }
}

function readAnyLine(reader: YamlReader, value: Value): string {
  const text = reader.text(value, 'quiesce.sh') ?? ''
  if (hasControls(text)) reader.problem(value, 'a hook is one line: name a script')
  return text
}

function readHookMap(reader: YamlReader, value: Value): ReadHook {
  const { run, time_limit, policy } = reader.fields<(typeof HOOK_RULES.known)[number]>(value, HOOK_RULES)
  const limitSeconds = time_limit && readTimeLimit(reader, time_limit, MAX_HOOK_LIMIT_SECONDS)
  return {
    text: run ? readCommand(reader, run) : '',
    options: { ...(limitSeconds && { limitSeconds }), ...(policy && readPolicy(reader, policy)) },
  }
}

function readCommand(reader: YamlReader, value: Value): string {
  const text = reader.text(value, 'quiesce.sh')
  if (text === undefined) return ''
  try {
    parseHookCommand(text)
  } catch (error) {
    reader.problem(value, messageOf(error))
  }
  return text
}

function readPolicy(reader: YamlReader, value: Value): Pick<HookOptions, 'policy'> {
  const policy = reader.text(value, 'warn')
  if (policy === 'fail' || policy === 'warn') return { policy }
  if (policy !== undefined) reader.problem(value, `"${policy}" is not a policy, expected fail or warn`)
  return {}
}

function hasAny(options: object): boolean {
  return Object.keys(options).length > 0
}

import { z } from 'zod'
import { BackupdError } from '../lib/errors.ts'
import { hasControls } from '../lib/plain-text.ts'
import {
  type HookOptions,
  MAX_HOOK_LENGTH,
  MAX_HOOK_LIMIT_SECONDS,
  type RecoverHooks,
} from './hook-options.ts'
import type { BackupArgs, JobOptions } from './job.ts'

/** The hooks of a backup by their words in the inventory, in the order in which they run. */
export const BACKUP_HOOKS = ['pre_run', 'post_run', 'on_failure', 'always'] as const
/** Those of a recover. */
export const RECOVER_HOOKS = ['pre_recover', 'post_recover'] as const
export const HOOK_WORDS = [...BACKUP_HOOKS, ...RECOVER_HOOKS] as const
export type HookWord = (typeof HOOK_WORDS)[number]

/** What the environment of a hook says of its run. `running`: it has neither succeeded nor failed yet. */
export const HOOK_STATES = ['running', 'success', 'partial', 'failed', 'cancelled'] as const
export type HookState = (typeof HOOK_STATES)[number]

const DEFAULT_LIMIT_SECONDS = 300

export const hookSchema = z.object({
  word: z.enum(HOOK_WORDS),
  /** The script, and its arguments. */
  command: z.array(z.string()).min(1),
  limitSeconds: z.number().int().min(1).max(MAX_HOOK_LIMIT_SECONDS),
  policy: z.enum(['fail', 'warn']),
})
export type Hook = z.infer<typeof hookSchema>

/** A hook as it is written in a job. */
export interface WrittenHook extends HookOptions {
  word: HookWord
  text: string
}

/** The hooks of a backup job, in order. */
export function listBackupHooks(
  { preRun, postRun }: Pick<BackupArgs, 'preRun' | 'postRun'>,
  { hooks = {} }: Pick<JobOptions, 'hooks'>,
): WrittenHook[] {
  const texts = {
    pre_run: preRun,
    post_run: postRun,
    on_failure: hooks.on_failure?.command ?? '',
    always: hooks.always?.command ?? '',
  }
  return BACKUP_HOOKS.filter((word) => texts[word] !== '').map((word) => {
    const { limitSeconds, policy } = hooks[word] ?? {}
    return { word, text: texts[word], limitSeconds, policy }
  })
}

/** The hooks of a recover, in order. */
export function listRecoverHooks(hooks: RecoverHooks): WrittenHook[] {
  return RECOVER_HOOKS.flatMap((word) => {
    const { command: text, ...options } = hooks[word] ?? {}
    return text === undefined ? [] : { word, text, ...options }
  })
}

/** Throws BAD_INPUT. */
export function parseHook({ word, text, limitSeconds, policy }: WrittenHook): Hook {
  return { word, command: parseHookCommand(text), ...fillHookOptions({ limitSeconds, policy }) }
}

/** Adds the defaults. */
export function fillHookOptions({ limitSeconds, policy }: HookOptions): Required<HookOptions> {
  return { limitSeconds: limitSeconds ?? DEFAULT_LIMIT_SECONDS, policy: policy ?? 'fail' }
}

/**
 * Splits the text of a hook into a script and its arguments. Blanks separate; '…', "…" and \ keep what is between or
 * behind them. Nothing is expanded, and no shell reads it. Throws BAD_INPUT.
 */
export function parseHookCommand(text: string): string[] {
  const refuse = (flaw: string) => new BackupdError('BAD_INPUT', `Cannot use the hook "${text}": ${flaw}`)
  if (text.length > MAX_HOOK_LENGTH || hasControls(text))
    throw refuse(`expected one line of at most ${MAX_HOOK_LENGTH} characters`)
  const words = text.match(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+|\S/g) ?? []
  const open = words.find((word) => /^['"\\]$/.test(word))
  if (open === '\\') throw refuse('nothing follows its last \\')
  if (open !== undefined) throw refuse(`a quote is not closed, expected a second ${open}`)
  const command = words.map(removeQuotes)
  if (!command[0]) throw refuse('it names no script, expected one such as quiesce.sh')
  return command
}

function removeQuotes(word: string): string {
  const parts = word.match(/'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^'"\\]+/g) ?? []
  return parts.map(removeQuote).join('')
}

function removeQuote(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1)
  if (part.startsWith('"')) return part.slice(1, -1).replace(/\\(["\\])/g, '$1')
  return part.startsWith('\\') ? part.slice(1) : part
}

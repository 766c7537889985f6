import { fillHookOptions, listBackupHooks, listRecoverHooks, type WrittenHook } from '../wire/hook.ts'
import type { JobHooks, RecoverHooks } from '../wire/hook-options.ts'
import type { Hook } from './types/hook.ts'

/** @param args of the job; only those of a backup have hooks */
export function toBackupHooks(args: Record<string, unknown>, hooks: JobHooks | undefined): Hook[] {
  const textOf = (value: unknown) => (typeof value === 'string' ? value : '')
  const texts = { preRun: textOf(args.preRun), postRun: textOf(args.postRun) }
  return listBackupHooks(texts, { hooks }).map(toHook)
}

export function toRecoverHooks(hooks: RecoverHooks | undefined): Hook[] {
  return listRecoverHooks(hooks ?? {}).map(toHook)
}

function toHook({ word, text, ...options }: WrittenHook): Hook {
  const { limitSeconds, policy } = fillHookOptions(options)
  return { hook: word, run: text, timeLimitSeconds: limitSeconds, policy }
}

import { z } from 'zod'

export const MAX_HOOK_LIMIT_SECONDS = 24 * 3600
export const MAX_HOOK_LENGTH = 4096

/** How a hook is run; a field that is left out has its default. */
export const hookOptionsSchema = z.object({
  limitSeconds: z.number().int().min(1).max(MAX_HOOK_LIMIT_SECONDS).optional(),
  /** `warn`: if the hook fails, the run only has a warning. */
  policy: z.enum(['fail', 'warn']).optional(),
})
export type HookOptions = z.infer<typeof hookOptionsSchema>

/** A hook with its script. Not in the args of a job, so that the id of the job stays the same. */
const commandHookSchema = hookOptionsSchema.extend({
  /** The script and its arguments, as they are written. */
  command: z.string().min(1).max(MAX_HOOK_LENGTH),
})

/** How the hooks of a backup are run, by their words in the inventory. */
export const jobHooksSchema = z.object({
  pre_run: hookOptionsSchema.optional(),
  post_run: hookOptionsSchema.optional(),
  on_failure: commandHookSchema.optional(),
  always: commandHookSchema.optional(),
})
export type JobHooks = z.infer<typeof jobHooksSchema>

/** The hooks around recovers into a volume. */
const recoverHooksSchema = z.object({
  pre_recover: commandHookSchema.optional(),
  post_recover: commandHookSchema.optional(),
})
export type RecoverHooks = z.infer<typeof recoverHooksSchema>

const MAX_CONTAINERS = 1000

/** The same as they travel with a recover, because a daemon need not have a job of the volume. */
export const sentHooksSchema = recoverHooksSchema.extend({
  /** The name of the volume, for the environment of the hooks. */
  volume: z.string().max(MAX_HOOK_LENGTH),
  /** Of the instance that owns the volume. */
  containers: z.array(z.string().max(MAX_HOOK_LENGTH)).max(MAX_CONTAINERS),
})
export type SentHooks = z.infer<typeof sentHooksSchema>

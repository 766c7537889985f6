import { z } from 'zod'

export const MAX_HOOK_LIMIT_SECONDS = 24 * 3600

/** How a hook is run; a field that is left out has its default. */
export const hookOptionsSchema = z.object({
  limitSeconds: z.number().int().min(1).max(MAX_HOOK_LIMIT_SECONDS).optional(),
  /** `warn`: if the hook fails, the run only has a warning. */
  policy: z.enum(['fail', 'warn']).optional(),
})
export type HookOptions = z.infer<typeof hookOptionsSchema>

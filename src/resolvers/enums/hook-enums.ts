import { registerEnumType } from 'type-graphql'

export const HookPolicy = { FAIL: 'fail', WARN: 'warn' } as const
export type HookPolicy = (typeof HookPolicy)[keyof typeof HookPolicy]
registerEnumType(HookPolicy, {
  name: 'HookPolicy',
  description: 'What the failure of a hook means for its run. WARN: only a warning.',
})

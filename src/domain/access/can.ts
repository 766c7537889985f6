import type { Principal } from './principal.ts'
import { ACCESS_RULES, type AccessAction, type Grant } from './roles.ts'
import { matchesAppPattern } from './scope.ts'

/** What an action is about: an app, or what belongs to none (servers, the catalog, access). */
export type AccessTarget = { readonly app: string } | 'everything'

export interface Decision {
  allowed: boolean
  /** One sentence: which role allows it, or which is missing. */
  because: string
}

const WITHOUT_TOKEN =
  'Managing access takes a token, also where others are answered without one. The first one is in <data>/admin-token'

/**
 * Decides whether a principal may do something; denied unless a grant allows it. Access is not managed without a token: one
 * that was created so would still count after the controller is closed.
 */
export function can(principal: Principal, action: AccessAction, target: AccessTarget): Decision {
  if (action === 'access' && principal.kind === 'anonymous') return { allowed: false, because: WITHOUT_TOKEN }
  const { words } = ACCESS_RULES[action]
  const roles: readonly string[] = ACCESS_RULES[action].roles
  const reaching = principal.grants.filter((grant) => reaches(grant, target))
  const grant = reaching.find(({ role }) => roles.includes(role))
  if (grant) return { allowed: true, because: `The role ${describeGrant(grant)} allows it` }
  const own = reaching.length > 0 ? reaching.map(describeGrant).join(', ') : 'no role there'
  const where = target === 'everything' ? 'of everything' : `of "${target.app}"`
  return {
    allowed: false,
    because: `Only ${roles.join(' or ')} ${where} may ${words}; you have ${own}`,
  }
}

function reaches({ apps }: Grant, target: AccessTarget): boolean {
  if (apps === null) return true
  return apps.some(
    (pattern) => pattern === '*' || (target !== 'everything' && matchesAppPattern(pattern, target.app)),
  )
}

function describeGrant({ role, apps }: Grant): string {
  return apps === null ? role : `${role} of ${apps.join(', ')}`
}

import { type Answer, isRefused } from '../domain/answer.ts'
import { BackupdError } from '../lib/errors.ts'

/** The domain's refusals become GraphQL errors here, and only here. */
export function orThrow<T>(answer: Answer<T>): T {
  if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message, { facts: answer.facts })
  return answer
}

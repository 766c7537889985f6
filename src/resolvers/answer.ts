import { type Answer, isRefused } from '../domain/answer.ts'
import { BackupdError } from '../lib/errors.ts'

/** Converts a refusal of the domain to a GraphQL error; the only place that does so. */
export function orThrow<T>(answer: Answer<T>): T {
  if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message, { facts: answer.facts })
  return answer
}

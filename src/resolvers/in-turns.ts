import { setImmediate as eventLoopTurn } from 'node:timers/promises'

const ITEMS_PER_TURN = 100

/** The items of a list field. */
export type Listed<T> = (T | Promise<T>)[]

/**
 * The items of a long list as promises that resolve a few in each turn of the event loop, so that GraphQL, which
 * completes a list without a pause, does not keep others waiting.
 */
export function inTurns<T>(items: readonly T[]): Listed<T> {
  if (items.length <= ITEMS_PER_TURN) return [...items]
  const promised: Promise<T>[] = []
  let turn: Promise<unknown> = Promise.resolve()
  for (let at = 0; at < items.length; at += ITEMS_PER_TURN) {
    const now = turn
    promised.push(...items.slice(at, at + ITEMS_PER_TURN).map((item) => now.then(() => item)))
    turn = now.then(() => eventLoopTurn())
  }
  return promised
}

/** Converts a count or size for a BigInt column: truncated, and limited to what a number holds exactly (2^53 - 1). */
export function toBigInt(value: number): bigint {
  const whole = Math.trunc(Number.isNaN(value) ? 0 : value)
  return BigInt(Math.min(Math.max(whole, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER))
}

/** Splits `items` into lists of at most `size`, because the values of a statement are limited. */
export function* splitIntoLists<T>(items: readonly T[], size = 500): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}

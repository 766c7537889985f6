/** A tuple of N, so that a test can destructure it without checks. */
export type Several<T, N extends number, Found extends T[] = []> = number extends N
  ? T[]
  : Found['length'] extends N
    ? Found
    : Several<T, N, [...Found, T]>

/** Makes N values, one after the other. */
export async function makeSeveral<T, N extends number>(
  count: N,
  make: (at: number) => Promise<T>,
): Promise<Several<T, N>> {
  const made: T[] = []
  while (made.length < count) made.push(await make(made.length))
  return made as Several<T, N>
}

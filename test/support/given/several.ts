/** N of them in a tuple, so that a test can take the first two of two. */
export type Several<T, N extends number, Found extends T[] = []> = number extends N
  ? T[]
  : Found['length'] extends N
    ? Found
    : Several<T, N, [...Found, T]>

/** Makes N of them, one after the other. */
export async function makeSeveral<T, N extends number>(
  count: N,
  make: (at: number) => Promise<T>,
): Promise<Several<T, N>> {
  const made: T[] = []
  while (made.length < count) made.push(await make(made.length))
  return made as Several<T, N>
}

/** The items of two lists with the same name. */
export type Joined<A, B> = [a: A | undefined, b: B | undefined]

interface Named {
  name: Buffer
}

/** Joins two lists that are both sorted by the bytes of the names. */
export async function* joinNames<A extends Named, B extends Named>(
  as: AsyncIterator<A, unknown>,
  bs: AsyncIterator<B, unknown> | Iterator<B, unknown>,
): AsyncGenerator<Joined<A, B>> {
  try {
    let a = readNextItem(await as.next())
    let b = readNextItem(await bs.next())
    while (a || b) {
      const order = a && b ? a.name.compare(b.name) : a ? -1 : 1
      yield [order <= 0 ? a : undefined, order >= 0 ? b : undefined]
      if (order <= 0) a = readNextItem(await as.next())
      if (order >= 0) b = readNextItem(await bs.next())
    }
  } finally {
    await as.return?.()
    await bs.return?.()
  }
}

function readNextItem<T>(result: IteratorResult<T, unknown>): T | undefined {
  return result.done ? undefined : result.value
}

/** An empty list for joinNames(). */
export async function* emptyList(): AsyncGenerator<never> {}

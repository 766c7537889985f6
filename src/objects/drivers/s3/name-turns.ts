const turns = new Map<string, Promise<void>>()

/**
 * Lets one of this process at a time work on a name. A store without conditional writes cannot decide between two
 * that look, find nothing and write; other processes are kept out by the callers' locks.
 */
export async function inTurn<T>(name: string, act: () => Promise<T>): Promise<T> {
  const before = turns.get(name)
  const mine = Promise.withResolvers<void>()
  turns.set(name, mine.promise)
  try {
    await before
    return await act()
  } finally {
    mine.resolve()
    if (turns.get(name) === mine.promise) turns.delete(name)
  }
}

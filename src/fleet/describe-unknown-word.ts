/** `"exprie" is not known here: …`, with the nearest known word, or all of them. */
export function describeUnknownWord(word: string, known: readonly string[]): string {
  const near = findNearest(word, known)
  const advice = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`
  return `"${word}" is not known here: ${advice}`
}

/** The same without the word, which may be a secret that stands in the wrong place; a misspelt one is none. */
export function describeHiddenWord(word: string, known: readonly string[]): string {
  if (findNearest(word, known) !== undefined) return describeUnknownWord(word, known)
  return `this is not known here: known are ${known.join(', ')}`
}

function findNearest(word: string, known: readonly string[]): string | undefined {
  const tolerance = Math.max(1, Math.floor(word.length / 3))
  const [best] = known
    .map((candidate) => ({
      candidate,
      distance: countEdits(word.slice(0, 100).toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ distance }) => distance <= tolerance)
    .sort((a, b) => a.distance - b.distance)
  return best?.candidate
}

/** Levenshtein distance: how many letters to add, drop or change. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (const [at, letter] of [...from].entries()) {
    const next = [at + 1]
    for (let column = 1; column <= to.length; column++) {
      const change = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1)
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

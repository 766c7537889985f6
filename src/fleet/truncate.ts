const MAX_LENGTH = 120

/** Makes outside text fit for a sentence: one line, at most MAX_LENGTH characters. */
export function truncate(words: unknown): string {
  const text = (typeof words === 'string' ? words : (JSON.stringify(words) ?? String(words))).replaceAll(
    /\p{Cc}+/gu,
    ' ',
  )
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}

const MAX_LENGTH = 120

/** Makes outside text fit for a sentence: one line, at most MAX_LENGTH characters. */
export function truncate(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))).replaceAll(
    /\p{Cc}+/gu,
    ' ',
  )
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}

const LONGEST = 120

/** Words from outside, fit for a sentence: in one line and not too long. */
export function shortly(words: unknown): string {
  const text = (typeof words === 'string' ? words : (JSON.stringify(words) ?? String(words))).replaceAll(
    /\p{Cc}+/gu,
    ' ',
  )
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** What JSON.stringify and Go write differently. Matches escapes as a whole, so that `\\b` is not mistaken for `\b`. */
const WRITTEN_DIFFERENTLY = /\\.|[<>&\u2028\u2029]/g
const MAY_DIFFER = /[<>&\b\f\u2028\u2029]/

/**
 * Encodes text as a JSON string, byte for byte like Go's encoding/json (1.19, with which restic 0.14 is built): trees
 * with the same names then have the same id, no matter which program wrote them.
 */
export function goJsonString(text: string): string {
  const json = JSON.stringify(text)
  return MAY_DIFFER.test(text) ? json.replaceAll(WRITTEN_DIFFERENTLY, toGoEscape) : json
}

function toGoEscape(piece: string): string {
  if (piece === '\\b') return '\\u0008'
  if (piece === '\\f') return '\\u000c'
  return piece.length > 1 ? piece : `\\u${(piece.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}

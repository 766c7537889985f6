/** What JSON.stringify writes otherwise than Go. Its own escapes are taken whole, so that `\\b` is not read as `\b`. */
const OTHERWISE = /\\.|[<>&\u2028\u2029]/g
const MAY_DIFFER = /[<>&\b\f\u2028\u2029]/

/**
 * Text as a JSON string in the very bytes that Go's encoding/json makes of it (1.19, which restic 0.14 is built with):
 * trees with the same names then have the same id, whoever wrote them.
 */
export function goJsonString(text: string): string {
  const json = JSON.stringify(text)
  return MAY_DIFFER.test(text) ? json.replaceAll(OTHERWISE, inGo) : json
}

function inGo(piece: string): string {
  if (piece === '\\b') return '\\u0008'
  if (piece === '\\f') return '\\u000c'
  return piece.length > 1 ? piece : `\\u${(piece.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}

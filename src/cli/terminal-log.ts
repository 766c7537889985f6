import { prettyFactory } from 'pino-pretty'

/** Converts a line of pino's JSON to text for a terminal. */
export const printLogLine: (json: string) => string = (() => {
  const pretty = prettyFactory({ ignore: 'pid,hostname', translateTime: 'SYS:yyyy-mm-dd HH:MM:ss' })
  return (json) => pretty(escapeControls(json))
})()

/** JSON escapes except line feed and tab. Also matches an escaped backslash, a pair that must not be split. */
const ESCAPES = /\\(?:u00[01][0-9a-f]|u007f|[^nt])/g
/** Characters that JSON does not escape but that control a terminal: DEL, C1 and text direction. */
const LITERALS = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
const KEPT = new Set(['\\\\', '\\"', '\\/'])

/** Escapes control characters, so that a name in a message cannot move the reader's cursor. */
function escapeControls(json: string): string {
  return json
    .replace(ESCAPES, (found) => (KEPT.has(found) ? found : `\\${found}`))
    .replace(LITERALS, (char) => `\\\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

import { prettyFactory } from 'pino-pretty'

/** A line of pino's JSON → what a person reads on a terminal. */
export const printLogLine: (json: string) => string = (() => {
  const pretty = prettyFactory({ ignore: 'pid,hostname', translateTime: 'SYS:yyyy-mm-dd HH:MM:ss' })
  return (json) => pretty(escapeControls(json))
})()

/** Everything but line feeds and tabs that JSON escapes. An escaped backslash is a pair that must not be split. */
const ESCAPES = /\\(?:u00[01][0-9a-f]|u007f|[^nt])/g
/** What JSON leaves as it is and a terminal obeys: DEL, C1, and what changes the direction of writing. */
const LITERALS = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
const KEPT = new Set(['\\\\', '\\"', '\\/'])

/** A name in a message must not move the cursor of whoever reads the log. */
function escapeControls(json: string): string {
  return json
    .replace(ESCAPES, (found) => (KEPT.has(found) ? found : `\\${found}`))
    .replace(LITERALS, (char) => `\\\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

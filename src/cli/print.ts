/** Characters that control a terminal: control characters (C1 included) except line feed and tab, and text direction. */
const TERMINAL_CONTROLS = /(?![\n\t])\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu

/** Escapes control characters, because names in stores and answers of a controller can contain anything. */
export function escapeForTerminal(text: string): string {
  return text.replace(TERMINAL_CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Writes to stdout. All output of commands must go through here or through `printError`. */
export function print(text: string): void {
  process.stdout.write(escapeForTerminal(text))
}

export function printError(text: string): void {
  process.stderr.write(escapeForTerminal(text))
}

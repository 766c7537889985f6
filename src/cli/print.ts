/** What a terminal obeys instead of showing it: control characters (C1 too) but line feeds and tabs, and what changes the direction of writing. */
const OBEYED = /(?![\n\t])\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu

/** Names in stores and answers of a controller can hold anything: it is shown, never obeyed. */
export function escapeForTerminal(text: string): string {
  return text.replace(OBEYED, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Writes to stdout. Everything that a command says goes through here or through `printError`. */
export function print(text: string): void {
  process.stdout.write(escapeForTerminal(text))
}

export function printError(text: string): void {
  process.stderr.write(escapeForTerminal(text))
}

const CONTROLS = /\p{Cc}/u
const ANY_CONTROL = /\p{Cc}/gu

/** Whether a text contains control characters, C1 included, which can move the cursor of a terminal. */
export function hasControls(text: string): boolean {
  return CONTROLS.test(text)
}

/** Makes outside text safe for a terminal and a log: control characters become `\xHH`, line ends and tabs spaces. */
export function withoutControls(text: string): string {
  return hasControls(text) ? text.replaceAll(ANY_CONTROL, escapeControl) : text
}

function escapeControl(control: string): string {
  if ('\n\r\t'.includes(control)) return ' '
  return `\\x${(control.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`
}

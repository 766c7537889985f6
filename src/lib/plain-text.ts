const CONTROLS = /\p{Cc}/u
const ANY_CONTROL = /\p{Cc}/gu

/** Whether it holds control characters, C1 included: they can move the cursor of a terminal. */
export function hasControls(text: string): boolean {
  return CONTROLS.test(text)
}

/** Text from outside, safe for a terminal and a log: control characters are written `\xHH`, line ends and tabs become spaces. */
export function withoutControls(text: string): string {
  return hasControls(text) ? text.replaceAll(ANY_CONTROL, escapeControl) : text
}

/** The same for a text of several lines of our own: line ends stay. */
export function printableLines(text: string): string {
  return text.split('\n').map(withoutControls).join('\n')
}

function escapeControl(control: string): string {
  if ('\n\r\t'.includes(control)) return ' '
  return `\\x${(control.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`
}

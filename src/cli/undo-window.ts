import { Option } from 'commander'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { MAX_UNDO_MS } from '../wire/hidden.ts'

const USUAL = '24h'

/** Parsed to milliseconds; 0 = every delete is final. */
export const UNDO_WINDOW = new Option(
  '--undo-window <time>',
  'how long the delete of a backup or snapshot can be undone, such as 24h or 7d; 0: not at all',
)
  .argParser(parseUndoWindow)
  .default(parseUndoWindow(USUAL), JSON.stringify(USUAL))

function parseUndoWindow(text: string): number {
  if (text === '0') return 0
  const ms = parseWindow(text)
  if (ms >= 1 && ms <= MAX_UNDO_MS) return ms
  throw new BackupdError('BAD_INPUT', `--undo-window is "${text}", expected 0, or a time of at most 366d`)
}

function parseWindow(text: string): number {
  try {
    return parseExpire(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--undo-window: ${messageOf(cause)}`, { cause })
  }
}

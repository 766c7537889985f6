import { type Clock, isoTime } from '../lib/clock.ts'
import { toWords } from '../wire/fields.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { type LogLevel, MAX_LINE_LENGTH, type NewLogLine } from '../wire/run-log.ts'

/** Lines of a run that has no record yet. */
const MAX_HELD = 100
/** Of one output of a program: its last ones. */
const MAX_OUTPUT_LINES = 500

export interface RunLogOptions {
  clock: Clock
  /** Whether the run has no visible record: its lines are held until it has one. */
  isSilent(): boolean
  keep(lines: NewLogLine[]): void
}

/** The log of one run: what its plugin says, its warnings, what its hooks wrote, and how it ended. */
export class RunLog {
  readonly #options: RunLogOptions
  #held: NewLogLine[] = []
  #lastText = ''

  constructor(options: RunLogOptions) {
    this.#options = options
  }

  /** @param facts of which `stdout` and `stderr` are the output of a program, and become lines */
  add(level: LogLevel, text: string, facts: Record<string, unknown> = {}): void {
    const at = isoTime(this.#options.clock.now())
    // A plugin that logs what it warns of says the same twice.
    const texts = text === this.#lastText ? listOutput(facts) : [text, ...listOutput(facts)]
    this.#lastText = text
    this.#held.push(...texts.map((each) => ({ at, level, text: toLine(each) })))
    this.flush()
  }

  /** @param count of warnings, of which `text` is the last */
  warn(text: string, count: number): void {
    this.add('warn', count > 1 ? `${text} (and ${count - 1} others before it)` : text)
  }

  /** Notes the state of the run. */
  note(record: RunRecord): void {
    this.#held.push(makeStateLine(record))
    this.flush()
  }

  /** Hands the lines on, if the run has a record. */
  flush(): void {
    const { isSilent, keep } = this.#options
    if (isSilent()) this.#held = this.#held.slice(-MAX_HELD)
    else keep(this.#held.splice(0))
  }
}

/** The line that says how a run ended, or that it began. */
export function makeStateLine({ state, reason, start, end }: RunRecord): NewLogLine {
  const level = state === 'failed' ? 'error' : isTerminal(state) && state !== 'success' ? 'warn' : 'info'
  return { at: end ?? start, level, text: toLine(reason === '' ? state : `${state}: ${reason}`) }
}

function listOutput(facts: Record<string, unknown>): string[] {
  return ['stdout', 'stderr'].flatMap((name) => {
    const output = facts[name]
    const lines = typeof output === 'string' ? output.split('\n') : []
    const written = lines.filter((line) => line.trim() !== '').slice(-MAX_OUTPUT_LINES)
    return written.map((line) => `${name}: ${line}`)
  })
}

function toLine(text: string): string {
  const whole = toWords(text)
  return whole.length > MAX_LINE_LENGTH ? `${whole.slice(0, MAX_LINE_LENGTH - 1)}…` : whole
}

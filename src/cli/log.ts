import pino, { type DestinationStream } from 'pino'
import type { Log } from '../lib/log.ts'
import { printLogLine } from './terminal-log.ts'

export interface LogOptions {
  debug: boolean
  isTerminal?: boolean
  to?: DestinationStream
}

/**
 * Creates the log on stderr: readable text on a terminal, otherwise one JSON object per line. Writes synchronously, so
 * that nothing is lost when the process ends.
 */
export function createLog({
  debug,
  isTerminal = process.stderr.isTTY,
  to = pino.destination({ dest: 2, sync: true }),
}: LogOptions): Log {
  return pino(
    {
      level: debug ? 'debug' : 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: pino.stdSerializers.err },
    },
    isTerminal ? { write: (line) => void to.write(printLogLine(line)) } : to,
  )
}

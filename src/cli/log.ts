import pino, { type DestinationStream } from 'pino'
import { BackupdError, messageOf } from '../lib/errors.ts'
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
      serializers: { error: serializeError, err: serializeError },
    },
    isTerminal ? { write: (line) => void to.write(printLogLine(line)) } : to,
  )
}

/** Only a fault of the program needs its stack; any other error says what is wrong in words. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (!(error instanceof BackupdError) || error.code === 'INTERNAL') return pino.stdSerializers.err(error)
  const { code, facts, cause } = error
  return { code, message: error.message, facts, ...(cause !== undefined && { cause: messageOf(cause) }) }
}

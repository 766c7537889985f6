import pino from 'pino'
import type { Log } from '../lib/log.ts'

/** One JSON object a line on stderr, written at once, so that nothing is lost when the process ends. */
export function createLog(options: { debug: boolean }): Log {
  return pino(
    {
      level: options.debug ? 'debug' : 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: pino.stdSerializers.err },
    },
    pino.destination({ dest: 2, sync: true }),
  )
}

import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../lib/clock.ts'

export interface EventStreamOptions {
  dispatcher: Dispatcher
  clock: Clock
  /** Ends the stream. */
  signal: AbortSignal
  /** The stream fails after this long without a complete line, ms. */
  silenceMs: number
  /** Limit of characters in one event. */
  maxEventLength: number
}

/**
 * Yields the events with data of a text/event-stream, until the other side ends it. Throws if the answer is not such a
 * stream, falls silent, or has a too large event. Does not follow redirects.
 */
export async function* readEvents(
  url: string,
  options: EventStreamOptions,
): AsyncGenerator<EventSourceMessage> {
  const silence = new AbortController()
  const seconds = options.silenceMs / 1000
  const giveUp = () => silence.abort(new Error(`it sent nothing for ${seconds} s`))
  const watch = () => options.clock.after(options.silenceMs, giveUp)
  let watchdog = watch()
  try {
    const body = await open(url, options.dispatcher, AbortSignal.any([options.signal, silence.signal]))
    const stream = new EventReader(options.maxEventLength)
    for await (const chunk of body) {
      // Bytes without an end of line do not count as a sign of life: they could go on forever.
      if (stream.feed(chunk)) {
        watchdog[Symbol.dispose]()
        watchdog = watch()
      }
      yield* stream.readEvents()
    }
  } finally {
    watchdog[Symbol.dispose]()
  }
}

async function open(url: string, dispatcher: Dispatcher, signal: AbortSignal) {
  const response = await request(url, {
    dispatcher,
    signal,
    headers: { accept: 'text/event-stream' },
    bodyTimeout: 0,
  })
  const type = String(response.headers['content-type'] ?? 'no content type')
  if (response.statusCode === 200 && /^text\/event-stream\b/i.test(type)) return response.body
  response.body.destroy()
  response.body.on('error', () => {})
  throw new Error(`it answered ${response.statusCode} with ${type.slice(0, 100)}, not an event stream`)
}

class EventReader {
  readonly #decoder = new TextDecoder()
  readonly #events: EventSourceMessage[] = []
  readonly #parser
  #problem: Error | undefined

  constructor(largest: number) {
    this.#parser = createParser({
      maxBufferSize: largest,
      onEvent: (event) => void this.#events.push(event),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded')
          this.#problem = new Error(`it sent more than ${largest} characters at once`)
      },
    })
  }

  /** @returns whether the chunk contains an end of line */
  feed(chunk: Uint8Array): boolean {
    const text = this.#decoder.decode(chunk, { stream: true })
    this.#parser.feed(text)
    if (this.#problem) throw this.#problem
    return text.includes('\n')
  }

  /** Returns the complete events and forgets them. */
  readEvents(): EventSourceMessage[] {
    return this.#events.splice(0)
  }
}

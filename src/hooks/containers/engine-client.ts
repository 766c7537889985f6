import type { Dispatcher, Pool } from 'undici'
import type { z } from 'zod'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { withoutControls } from '../../lib/plain-text.ts'
import { parseJson } from '../../wire/json.ts'
import { PlaceUnavailable } from '../hook-place.ts'

const MAX_ANSWER_BYTES = 1024 * 1024
const ANSWER_TIMEOUT_MS = 30_000
const MAX_SHOWN = 300
/** One for the output of a hook, the others for questions meanwhile. */
const MAX_CONNECTIONS = 3

export interface EngineAnswer {
  status: number
  text: string
}

/** The Docker-compatible Engine API over a unix socket. What it answers is not trusted: its length and time are bounded. */
export class EngineClient implements AsyncDisposable {
  readonly #socket: string
  readonly #client: Pool

  private constructor(socketPath: string, client: Pool) {
    this.#socket = socketPath
    this.#client = client
  }

  /** Loads undici, half of what a run would load, only where hooks run in containers. */
  static async open(socketPath: string): Promise<EngineClient> {
    const { Pool } = await import('undici')
    const limits = { headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS }
    return new EngineClient(
      socketPath,
      new Pool('http://engine', { socketPath, connections: MAX_CONNECTIONS, ...limits }),
    )
  }

  /** Throws PlaceUnavailable if the engine does not answer. */
  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<EngineAnswer> {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    try {
      const answer = await this.#client.request({ ...makeRequest(method, path, body), signal })
      const text = await readBounded(answer.body)
      return { status: isGone(answer.statusCode, text) ? 404 : answer.statusCode, text }
    } catch (cause) {
      throw this.#unavailable(cause)
    }
  }

  /** Throws BAD_INPUT for an answer of another shape. */
  parse<T>({ text }: EngineAnswer, schema: z.ZodType<T>): T {
    return parseJson(`The answer of the container engine at "${this.#socket}"`, text, schema)
  }

  /** The answer's body comes as long as the call runs. Throws PlaceUnavailable. */
  async open(path: string, body: object, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#client.request({ ...makeRequest('POST', path, body), bodyTimeout: 0, signal })
    } catch (cause) {
      throw this.#unavailable(cause)
    }
  }

  /** A refusal of the engine, in its own words. */
  describe({ status, text }: EngineAnswer): string {
    return `the container engine answered ${status}: ${withoutControls(text.trim()).slice(0, MAX_SHOWN)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.destroy()
  }

  #unavailable(cause: unknown): BackupdError {
    const what = `The container engine at "${this.#socket}" cannot be used: ${messageOf(cause)}`
    return new PlaceUnavailable(`${what}. Check that it runs, and --container-socket`, { cause })
  }
}

function makeRequest(method: 'GET' | 'POST', path: string, body: object | undefined) {
  const headers = body ? { 'content-type': 'application/json' } : {}
  return { method, path, headers, body: body ? JSON.stringify(body) : null }
}

/** Podman answers 500 with this cause while it removes a container. */
const GONE = /"cause":\s*"no such (container|exec session)"/

function isGone(status: number, text: string): boolean {
  return status === 500 && GONE.test(text)
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES)
      throw new BackupdError('BAD_INPUT', `its answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { BackupdError, messageOf } from '../../../lib/errors.ts'

/** The address where a mount listens for tools on this machine, and its session. */
export interface ControlPlace {
  host: string
  port: number
  session: number
  version: number
}

export interface Message {
  /** Message numbers of the request and of its answer. */
  asks: number
  answers: number
  content: Buffer
}

const REGISTER = { asks: 400, answers: 401 }
/** The constant that a tool sends first. */
const GREETING = Buffer.from('DjI1GAQDULI5d2YjA26ypc3ovkhjvhciTQVx3CS4nYgtBoUcsljiVpsErJENHaw0')
const AS_TOOL = 4
const NOTHING = 0
/** `command:32 length:32` before each message. */
const HEADER_BYTES = 8
/** Any number works, because there is one request at a time. */
const MESSAGE_ID = 1
/** Enough for a healthy master; all callers can continue without an answer. */
const TIMEOUT_MS = 3000

/**
 * Sends one request on a new connection. Returns the answer without its message id.
 * Throws STORE_UNAVAILABLE if there is no connection, no answer within 3 s, or an error status.
 */
export async function askMooseFs(place: ControlPlace, message: Message): Promise<Buffer> {
  const socket = connect({ host: place.host, port: place.port })
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    await once(socket, 'connect', { signal })
    const answers = readMessages(socket)
    socket.write(packet(REGISTER.asks, greeting(place)))
    await answerTo(REGISTER.answers, answers, signal)
    const id = Buffer.alloc(4)
    id.writeUInt32BE(MESSAGE_ID)
    socket.write(packet(message.asks, Buffer.concat([id, message.content])))
    return refuseStatus((await answerTo(message.answers, answers, signal)).subarray(4))
  } catch (cause) {
    if (cause instanceof BackupdError) throw cause
    throw new BackupdError(
      'STORE_UNAVAILABLE',
      `MooseFS's mount did not answer on ${place.host}:${place.port}: ${messageOf(cause)}`,
      { cause },
    )
  } finally {
    socket.destroy()
  }
}

function packet(command: number, content: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(command)
  header.writeUInt32BE(content.length, 4)
  return Buffer.concat([header, content])
}

/** `blob:64B rcode:8 session:32 version:32`. */
function greeting({ session, version }: ControlPlace): Buffer {
  const rest = Buffer.alloc(9)
  rest.writeUInt8(AS_TOOL)
  rest.writeUInt32BE(session, 1)
  rest.writeUInt32BE(version, 5)
  return Buffer.concat([GREETING, rest])
}

interface Received {
  command: number
  content: Buffer
}

async function* readMessages(socket: Socket): AsyncGenerator<Received> {
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    while (bytes.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + bytes.readUInt32BE(4)
      if (bytes.length < end) break
      yield { command: bytes.readUInt32BE(0), content: bytes.subarray(HEADER_BYTES, end) }
      bytes = bytes.subarray(end)
    }
  }
}

async function answerTo(
  command: number,
  answers: AsyncGenerator<Received>,
  signal: AbortSignal,
): Promise<Buffer> {
  for (;;) {
    const { value, done } = await Promise.race([answers.next(), rejectedBy(signal)])
    if (done) throw new Error('it closed the connection')
    if (value.command === command) return value.content
    if (value.command !== NOTHING) throw new Error(`it answered with message ${value.command}`)
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** An answer of one byte is a status; 0 means success. */
function refuseStatus(answer: Buffer): Buffer {
  if (answer.length !== 1 || answer[0] === 0) return answer
  throw new BackupdError('STORE_UNAVAILABLE', `MooseFS refuses it with status ${answer[0]}`)
}

import { z } from 'zod'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { sleep } from '../../lib/sleep.ts'
import { endProcesses, isOfCall, MARKER } from '../end-processes.ts'
import {
  type CallHandle,
  type HookCall,
  type HookEnd,
  type HookWorld,
  PlaceUnavailable,
} from '../hook-place.ts'
import { waitForCall } from '../wait-for-call.ts'
import { Demultiplexer } from './demultiplexer.ts'
import type { EngineClient } from './engine-client.ts'

/** Where the scripts of an app lie in its containers. */
const SCRIPTS = '/lain/app'
const LOOK_INTERVAL_MS = 500
/** How long output may still come when the hook has ended: a child of it may hold the stream for ever. */
const DRAIN_MS = 1000
const END_TRIES = 20

const createdSchema = z.object({ Id: z.string().regex(/^[0-9a-f]{12,128}$/) })
const execSchema = z.object({
  Running: z.boolean(),
  ExitCode: z.number().int().min(-255).max(255).nullish(),
  Pid: z.number().int().nonnegative().nullish(),
})
type Exec = z.infer<typeof execSchema>

export interface ContainerWorld extends HookWorld {
  engine: EngineClient
  /** As in a URL. */
  container: string
}

/** Runs a hook in a running container. Throws NOT_FOUND if the container is gone or stopped, PlaceUnavailable. */
export async function runExec(
  call: HookCall,
  world: ContainerWorld,
  begun: (handle: CallHandle) => Promise<void>,
): Promise<HookEnd> {
  const id = await createExec(call.hook.command, { ...call.env, [MARKER]: call.id }, world)
  await begun({ exec: id })
  const output = new Demultiplexer()
  const streaming = new AbortController()
  const [stream] = await openStream(id, output, { world, signal: streaming.signal })
  const looking = new AbortController()
  try {
    const how = await waitForCall(call, world, watchExec(id, world, { signal: looking.signal, stream }))
    const problem = how === 'exited' ? undefined : await endExec(id, call.id, world)
    await Promise.race([stream, sleep(DRAIN_MS, looking.signal)])
    const exitCode = how === 'exited' ? await readExitCode(id, world) : null
    const ended = { how, exitCode, stdout: output.stdout.text, stderr: output.stderr.text }
    return { ...ended, ...(problem && { problem }) }
  } finally {
    looking.abort()
    streaming.abort()
  }
}

/** Waits for an exec of an earlier process; undefined if it does not run now. */
export async function awaitExec(
  call: HookCall,
  id: string,
  world: ContainerWorld,
): Promise<HookEnd | undefined> {
  if (!(await inspectExec(id, world))?.Running) return undefined
  const looking = new AbortController()
  try {
    const how = await waitForCall(call, world, watchExec(id, world, { signal: looking.signal }))
    const problem = how === 'exited' ? undefined : await endExec(id, call.id, world)
    const exitCode = how === 'exited' ? await readExitCode(id, world) : null
    return { how, exitCode, stdout: '', stderr: '', ...(problem && { problem }) }
  } finally {
    looking.abort()
  }
}

async function createExec(
  [script = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
  { engine, container }: ContainerWorld,
): Promise<string> {
  const path = script.startsWith('/') ? script : `${SCRIPTS}/${script}`
  const Env = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const exec = { Cmd: [path, ...args], Env, AttachStdout: true, AttachStderr: true }
  const answer = await engine.ask('POST', `/containers/${container}/exec`, exec)
  if (answer.status === 201) return engine.parse(answer, createdSchema).Id
  const what = `Cannot run a hook in the container "${container}": ${engine.describe(answer)}`
  throw answer.status === 404 ? new BackupdError('NOT_FOUND', what) : new PlaceUnavailable(what)
}

interface Streaming {
  world: ContainerWorld
  signal: AbortSignal
}

/** Starts the exec. The promise in the answer resolves when its stream ends, however it does. */
async function openStream(id: string, output: Demultiplexer, { world, signal }: Streaming) {
  const { engine } = world
  const answer = await engine.open(`/exec/${id}/start`, { Detach: false, Tty: false }, signal)
  if (answer.statusCode !== 200) {
    answer.body.destroy()
    throw new PlaceUnavailable(`The container engine answered ${answer.statusCode} to the start of a hook`)
  }
  const drain = async () => {
    for await (const chunk of answer.body) if (!output.add(chunk)) break
  }
  return [drain().catch(() => {})] as const
}

interface Watching {
  signal: AbortSignal
  /** Its end is a hint that the exec has ended; a hook may also close its output and go on. */
  stream?: Promise<void>
}

/** Resolves when the exec has ended. */
async function watchExec(id: string, world: ContainerWorld, { signal, stream }: Watching): Promise<void> {
  let open = stream
  void stream?.then(() => {
    open = undefined
  })
  do await Promise.race([sleep(LOOK_INTERVAL_MS, signal), ...(open ? [open] : [])])
  while (!signal.aborted && (await inspectExec(id, world))?.Running)
}

/** undefined if the engine no longer knows it. */
async function inspectExec(id: string, { engine }: ContainerWorld): Promise<Exec | undefined> {
  const answer = await engine.ask('GET', `/exec/${id}/json`)
  if (answer.status === 404) return undefined
  if (answer.status === 200) return engine.parse(answer, execSchema)
  throw new PlaceUnavailable(engine.describe(answer))
}

/** null if nobody knows it. */
async function readExitCode(id: string, world: ContainerWorld): Promise<number | null> {
  for (let tries = 0; tries < END_TRIES; tries++) {
    const exec = await inspectExec(id, world)
    if (!exec?.Running) return exec?.ExitCode ?? null
    await sleep(LOOK_INTERVAL_MS)
  }
  return null
}

/**
 * Ends a hung hook with all its children: from here if its processes can be seen, otherwise from inside the container.
 * Only processes with the mark of the call are killed, because the engine's word for a process id is not trusted.
 */
async function endExec(id: string, callId: string, world: ContainerWorld): Promise<string | undefined> {
  try {
    const pid = (await inspectExec(id, world))?.Pid ?? 0
    if (await isOfCall(pid, callId)) await endProcesses(callId)
    else await endInside(callId, world)
    return (await hasEnded(id, world)) ? undefined : 'its processes still run in the container'
  } catch (error) {
    return `its processes may still run in the container: ${messageOf(error)}`
  }
}

async function hasEnded(id: string, world: ContainerWorld): Promise<boolean> {
  for (let tries = 0; tries < END_TRIES; tries++) {
    if (!(await inspectExec(id, world))?.Running) return true
    await sleep(LOOK_INTERVAL_MS)
  }
  return false
}

/** `$1` is the mark, so that no word of ours becomes a part of the script. */
const KILL_MARKED =
  'cd /proc && for p in [0-9]*; do grep -q "$1" "$p/environ" 2>/dev/null && kill -9 "$p"; done; true'

/** Needs sh, grep and kill in the container. */
async function endInside(callId: string, world: ContainerWorld): Promise<void> {
  const kill = ['/bin/sh', '-c', KILL_MARKED, 'sh', `${MARKER}=${callId}`]
  const id = await createExec(kill, {}, world)
  const answer = await world.engine.ask('POST', `/exec/${id}/start`, { Detach: true, Tty: false })
  if (answer.status >= 300) throw new PlaceUnavailable(world.engine.describe(answer))
}

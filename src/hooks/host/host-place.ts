import { type ChildProcess, spawn } from 'node:child_process'
import { BackupdError } from '../../lib/errors.ts'
import { sleep } from '../../lib/sleep.ts'
import { endGroup, endProcesses, findProcesses, isOfCall, MARKER } from '../end-processes.ts'
import { HookOutput } from '../hook-output.ts'
import type { CallHandle, HookCall, HookEnd, HookPlace, HookWorld } from '../hook-place.ts'
import { waitForCall } from '../wait-for-call.ts'
import { checkHostScript } from './check-script.ts'

/** All that a hook gets of the environment of the machine: the daemon's own has secrets. */
const HOST_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }
const LOOK_INTERVAL_MS = 200
/** How long output may still come when the hook has ended: a child of it may hold the pipe for ever. */
const DRAIN_MS = 500

/** Runs the scripts of one folder on this machine. @param folder absolute */
export function createHostPlace(folder: string, world: HookWorld): HookPlace {
  return {
    container: null,
    async check(hooks) {
      for (const { command } of hooks) await checkHostScript(folder, command[0] ?? '')
      return undefined
    },
    run: (call, begun) => runScript(folder, call, { ...world, begun }),
    resume: (call, handle) => awaitScript(call, handle, world),
  }
}

type Begun = { begun(handle: CallHandle): Promise<void> }

async function runScript(folder: string, call: HookCall, world: HookWorld & Begun): Promise<HookEnd> {
  const [name = '', ...args] = call.hook.command
  const path = await checkHostScript(folder, name)
  const env = { ...HOST_ENV, ...call.env, [MARKER]: call.id }
  // A group of its own, so that the hook can be ended with its children, and is not ended with this process.
  const child = spawn(path, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr] = [new HookOutput(), new HookOutput()]
  child.stdout.on('data', (chunk) => stdout.add(chunk))
  child.stderr.on('data', (chunk) => stderr.add(chunk))
  const exit = watchExit(child)
  const pid = await waitForPid(child, name)
  await world.begun({ pid })
  const how = await waitForCall(call, world, exit)
  const problem = how === 'exited' ? undefined : await endScript(pid, call.id)
  await waitForOutput(child, world)
  return {
    how,
    exitCode: child.exitCode,
    stdout: stdout.text,
    stderr: stderr.text,
    ...(problem && { problem }),
  }
}

function watchExit(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.once('error', () => resolve())
  return promise
}

async function waitForPid(child: ChildProcess, name: string): Promise<number> {
  if (child.pid !== undefined) return child.pid
  const { promise, resolve } = Promise.withResolvers<Error>()
  child.once('error', resolve)
  const cause = await promise
  throw new BackupdError('HOOK_FAILED', `Cannot start the hook "${name}": ${cause.message}`, { cause })
}

async function endScript(pid: number, id: string): Promise<string | undefined> {
  endGroup(pid)
  const left = await endProcesses(id)
  return left.length === 0 ? undefined : `the processes ${left.join(', ')} could not be ended`
}

async function waitForOutput(child: ChildProcess, { clock }: HookWorld): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (child.stdout?.closed && child.stderr?.closed) return
  child.once('close', () => resolve())
  using _limit = clock.after(DRAIN_MS, resolve)
  await promise
  child.stdout?.destroy()
  child.stderr?.destroy()
}

/** The exit code of a process that another one began cannot be read, so it is not known how it ended. */
async function awaitScript(
  call: HookCall,
  handle: CallHandle | null,
  world: HookWorld,
): Promise<HookEnd | undefined> {
  const pid = handle && 'pid' in handle ? handle.pid : (await findProcesses(call.id))[0]
  if (pid === undefined || !(await isOfCall(pid, call.id))) return undefined
  const looking = new AbortController()
  const how = await waitForCall(call, world, watchForeign(pid, call.id, looking.signal))
  looking.abort()
  if (how === 'exited') return undefined
  const problem = await endScript(pid, call.id)
  return { how, exitCode: null, stdout: '', stderr: '', ...(problem && { problem }) }
}

async function watchForeign(pid: number, id: string, signal: AbortSignal): Promise<void> {
  while (await isOfCall(pid, id)) if (!(await sleep(LOOK_INTERVAL_MS, signal))) return
}

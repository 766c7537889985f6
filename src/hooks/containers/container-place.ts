import { z } from 'zod'
import { BackupdError } from '../../lib/errors.ts'
import { type HookPlace, type HookWorld, PlaceUnavailable } from '../hook-place.ts'
import { awaitExec, type ContainerWorld, runExec } from './container-exec.ts'
import { EngineClient } from './engine-client.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/

const inspectSchema = z.object({
  State: z.object({ Running: z.boolean(), Paused: z.boolean().nullish(), Status: z.string().nullish() }),
})

/** Runs hooks in one container, through the socket of its engine. */
export function createContainerPlace(container: string, socket: string, world: HookWorld): HookPlace {
  const act = async <T>(use: (inside: ContainerWorld) => Promise<T>) => {
    await using engine = await EngineClient.open(socket)
    return await use({ ...world, engine, container: checkName(container) })
  }
  return {
    container,
    check: () => act(checkState),
    run: (call, begun) =>
      act(async (inside) => {
        const stopped = await checkState(inside)
        if (stopped !== undefined) throw new BackupdError('NOT_FOUND', stopped)
        return await runExec(call, inside, begun)
      }),
    resume: (call, handle) =>
      act(async (inside) =>
        handle && 'exec' in handle ? await awaitExec(call, handle.exec, inside) : undefined,
      ),
  }
}

/** Returns a warning for a stopped container. Throws NOT_FOUND for a missing one, PlaceUnavailable for a paused one. */
async function checkState({ engine, container }: ContainerWorld): Promise<string | undefined> {
  const answer = await engine.ask('GET', `/containers/${container}/json`)
  if (answer.status === 404)
    throw new BackupdError(
      'NOT_FOUND',
      `Cannot run hooks in the container "${container}": it does not exist. Check the containers of the instance`,
    )
  if (answer.status !== 200)
    throw new PlaceUnavailable(`Cannot run hooks in the container "${container}": ${engine.describe(answer)}`)
  const { Running, Paused, Status } = engine.parse(answer, inspectSchema).State
  if (Paused === true || Status === 'paused')
    throw new PlaceUnavailable(`Cannot run hooks in the container "${container}": it is paused. Unpause it`)
  return Running ? undefined : `no hooks are run in the container "${container}": it is stopped`
}

/** The name becomes part of a URL. */
function checkName(container: string): string {
  if (NAME.test(container)) return container
  throw new BackupdError('BAD_INPUT', `"${container}" is not the name of a container`)
}

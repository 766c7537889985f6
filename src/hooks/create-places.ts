import type { HookSettings } from '../wire/hook-settings.ts'
import { createContainerPlace } from './containers/container-place.ts'
import type { HookPlace, HookWorld } from './hook-place.ts'
import { createHostPlace } from './host/host-place.ts'

export interface PlacesOptions {
  containers: readonly string[]
  settings: HookSettings
  world: HookWorld
}

/** Where the hooks of a volume run, or why they cannot. */
export function createPlaces({
  containers,
  settings: { hostDir, containerSocket },
  world,
}: PlacesOptions): readonly HookPlace[] | { reason: string } {
  if (containers.length > 0 && containerSocket === undefined)
    return { reason: 'the instance has containers, and the daemon was started without --container-socket' }
  if (containerSocket !== undefined && containers.length > 0)
    return containers.map((container) => createContainerPlace(container, containerSocket, world))
  if (hostDir === undefined)
    return { reason: 'the instance has no containers, and the daemon was started without --allow-host-hooks' }
  return [createHostPlace(hostDir, world)]
}

/** Where hooks of an interrupted run have begun. What the daemon may no longer run is given up, and reported. */
export function recreatePlaces(
  begun: readonly (string | null)[],
  options: Omit<PlacesOptions, 'containers'>,
): HookPlace[] {
  return begun.flatMap((container) => {
    const places = createPlaces({ ...options, containers: container === null ? [] : [container] })
    return 'reason' in places ? [createClosedPlace(container, places.reason)] : places
  })
}

function createClosedPlace(container: string | null, reason: string): HookPlace {
  return {
    container,
    check: async () => reason,
    run: async () => {
      throw new Error(reason)
    },
    resume: async () => undefined,
  }
}

import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { holdBackup, type PinnedName, releaseBackup } from '../domain/pins.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { optionalText } from './filters.ts'
import { DateTime } from './scalars.ts'
import { HoldTarget, Pin } from './types/pin.ts'

const UNTIL = {
  nullable: true,
  description: 'When the pin ends on its own; without it, it has to be released.',
}
const PIN = { nullable: true, description: 'The id of the pin; may be left out if there is only one.' }

@Resolver(() => Pin)
export class PinResolver {
  @Mutation(() => Pin, {
    description:
      'Pins a full backup or a snapshot: it does not expire, and every delete of it is refused, until the pin is released or ends.',
  })
  async hold(
    @Ctx() { world }: Context,
    @Arg('target', () => HoldTarget) target: HoldTarget,
    @Arg('reason', () => String) reason: string,
    @Arg('until', () => DateTime, UNTIL) until?: Date,
  ): Promise<Pin> {
    const request = { target: toPinnedName(target), reason, until: until?.getTime() ?? null }
    return orThrow(await holdBackup(world, request))
  }

  @Mutation(() => Pin, { description: 'Releases a pin of a full backup or a snapshot, and returns it.' })
  async release(
    @Ctx() { world }: Context,
    @Arg('target', () => HoldTarget) target: HoldTarget,
    @Arg('pin', () => ID, PIN) pin?: string,
  ): Promise<Pin> {
    const request = { target: toPinnedName(target), pin: optionalText('pin', pin) }
    return orThrow(await releaseBackup(world, request))
  }
}

function toPinnedName({ app, proc, backup: name, server, snapshot }: HoldTarget): PinnedName {
  return {
    app,
    proc,
    name,
    server: optionalText('server', server),
    snapshot: optionalText('snapshot', snapshot),
  }
}

import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql'
import {
  type ListedAuthority,
  listAuthorities,
  retireAuthority,
  rotateAuthority,
} from '../domain/authorities.ts'
import { isoTime } from '../lib/clock.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { DaemonAuthority } from './types/authority.ts'

const FORCE = {
  nullable: true,
  defaultValue: false,
  description: 'Also if some daemons do not trust the next authority yet: these must be invited again.',
}

@Resolver(() => DaemonAuthority)
export class AuthorityResolver {
  @Query(() => [DaemonAuthority], {
    description:
      'The authorities of the certificates of daemons, oldest first, then retired ones that daemons still trust; at most 20.',
  })
  authorities(@Ctx() { world }: Context): DaemonAuthority[] {
    return orThrow(listAuthorities(world)).map(toAuthority)
  }

  @Mutation(() => [DaemonAuthority], {
    description:
      'Makes the next authority. Daemons get it at once if they are reached, and both count until `retireAuthority`.',
  })
  async rotateAuthority(@Ctx() { world }: Context): Promise<DaemonAuthority[]> {
    return orThrow(await rotateAuthority(world)).map(toAuthority)
  }

  @Mutation(() => [DaemonAuthority], {
    description: 'Ends a rotation: certificates of the old authority count no more.',
  })
  async retireAuthority(
    @Ctx() { world }: Context,
    @Arg('force', () => Boolean, FORCE) force?: boolean,
  ): Promise<DaemonAuthority[]> {
    return orThrow(await retireAuthority(world, force ?? false)).map(toAuthority)
  }
}

function toAuthority({ createdAt, expiresAt, ...authority }: ListedAuthority): DaemonAuthority {
  return { ...authority, createdAt: toTime(createdAt), expiresAt: toTime(expiresAt) }
}

function toTime(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}

import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql'
import { can } from '../domain/access/can.ts'
import type { StoredSession } from '../domain/access/session-book.ts'
import { enforceAccess, listAnonymousUses } from '../domain/access.ts'
import { endSession, listSessions } from '../domain/sessions.ts'
import { createToken, listTokens, revokeToken } from '../domain/tokens.ts'
import { isoTime } from '../lib/clock.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { AccessAction } from './enums/access-enums.ts'
import { optionalText } from './filters.ts'
import { AccessDecision, AnonymousUse, CreatedToken, Session, Token, Viewer } from './types/access.ts'
import { TokenInput } from './types/inputs.ts'

const ACTION = { description: 'What the caller wants to do.' }
const APP = { nullable: true, description: 'With what belongs to this app; without it: with everything.' }

@Resolver(() => Viewer)
export class AccessResolver {
  @Query(() => Viewer, { description: 'Who asks, and what the caller may do.' })
  viewer(@Ctx() { world }: Context): Viewer {
    const { principal, address } = world.caller
    const { kind, name, grants } = principal
    return { kind, name, address, grants, roles: [...new Set(grants.map(({ role }) => role))], principal }
  }

  @FieldResolver(() => AccessDecision, { description: 'Whether the caller may do something.' })
  can(
    @Root() { principal }: Viewer,
    @Arg('action', () => AccessAction, ACTION) action: AccessAction,
    @Arg('app', () => ID, APP) app?: string,
  ): AccessDecision {
    const target = optionalText('app', app)
    return can(principal, action, target === undefined ? 'everything' : { app: target })
  }

  @Query(() => [Token], { description: 'All tokens, oldest first, those that have expired included.' })
  tokens(@Ctx() { world }: Context): Token[] {
    return orThrow(listTokens(world))
  }

  @Query(() => [Session], {
    description: "The caller's own sessions, oldest first; all of them for an admin of everything.",
  })
  sessions(@Ctx() { world }: Context): Session[] {
    return listSessions(world).map((session) => toSession(world, session))
  }

  @Query(() => [AnonymousUse], {
    description:
      'The requests without a token that were answered since the start, at most 1000 kinds, the last one first.',
  })
  anonymousUses(@Ctx() { world }: Context): AnonymousUse[] {
    return orThrow(listAnonymousUses(world)).map((use) => ({ ...use, lastAt: isoTime(use.lastAt) }))
  }

  @Mutation(() => Boolean, {
    description:
      'From now on, callers without a token may do nothing, unless the controller was started with `--anonymous`. For data from before there were tokens.',
  })
  async enforceAccess(@Ctx() { world }: Context): Promise<boolean> {
    return orThrow(await enforceAccess(world))
  }

  @Mutation(() => CreatedToken, { description: 'Creates a token, and shows it once.' })
  async createToken(
    @Ctx() { world }: Context,
    @Arg('input', () => TokenInput) { name, roles, apps, expiresAt }: TokenInput,
  ): Promise<CreatedToken> {
    const request = { name, roles, apps: apps ?? undefined, expiresAt: expiresAt?.toISOString() }
    return orThrow(await createToken(world, request))
  }

  @Mutation(() => Token, {
    description: 'Ends a token: it is refused from now on, and its open WebSockets are closed.',
  })
  async revokeToken(@Ctx() { world }: Context, @Arg('id', () => ID) id: string): Promise<Token> {
    return orThrow(await revokeToken(world, id))
  }

  @Mutation(() => Session, {
    description:
      "Ends a session, one's own or, for an admin of everything, any: it is refused from now on, and its open WebSockets are closed.",
  })
  async endSession(@Ctx() { world }: Context, @Arg('id', () => ID) id: string): Promise<Session> {
    return toSession(world, orThrow(await endSession(world, id)))
  }
}

function toSession({ caller: { principal } }: Context['world'], session: StoredSession): Session {
  return { ...session, current: principal.kind === 'session' && principal.sessionId === session.id }
}

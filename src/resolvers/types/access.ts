import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { Principal } from '../../domain/access/principal.ts'
import { AccessRole, CallerKind, SessionOrigin } from '../enums/access-enums.ts'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'A role, for everything or for some apps.' })
export class AccessGrant {
  @Field(() => AccessRole, { description: 'The role.' })
  role!: AccessRole

  @Field(() => [String], {
    nullable: true,
    description: 'Names of apps, or `team-*`; null: everything, also servers, the catalog and access.',
  })
  apps!: readonly string[] | null
}

@ObjectType({ ...SIMPLE, description: 'Whether something is allowed, and why.' })
export class AccessDecision {
  @Field(() => Boolean, { description: 'It is allowed.' })
  allowed!: boolean

  @Field(() => String, { description: 'Which role allows it, or which is missing.' })
  because!: string
}

@ObjectType({ ...SIMPLE, description: 'Who asks.' })
export class Viewer {
  @Field(() => CallerKind, { description: 'How it was found out who asks.' })
  kind!: CallerKind

  @Field(() => String, {
    description: 'The name of the token, also of the one that a session began with; `anonymous` without one.',
  })
  name!: string

  @Field(() => String, {
    nullable: true,
    description: 'The IP address that the request came from, as far as the controller can tell.',
  })
  address!: string | null

  @Field(() => [AccessRole], { description: 'The roles, each perhaps for some apps only: see `grants`.' })
  roles!: AccessRole[]

  @Field(() => [AccessGrant], { description: 'What each role is for.' })
  grants!: readonly AccessGrant[]

  principal!: Principal
}

@ObjectType({ ...SIMPLE, description: 'What scripts and command lines show instead of a password.' })
export class Token {
  @Field(() => ID, { description: 'Its id, which is not secret.' })
  id!: string

  @Field(() => String, { description: 'What it is for.' })
  name!: string

  @Field(() => [AccessGrant], { description: 'What it may do.' })
  grants!: readonly AccessGrant[]

  @Field(() => DateTime, { description: 'When it was created.' })
  createdAt!: string

  @Field(() => String, { description: 'Who created it.' })
  createdBy!: string

  @Field(() => DateTime, { nullable: true, description: 'When it ends on its own; null: never.' })
  expiresAt!: string | null

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was last used, to about an hour after a crash; null: never.',
  })
  lastUsedAt!: string | null
}

@ObjectType({ ...SIMPLE, description: 'Someone who signed in with a browser.' })
export class Session {
  @Field(() => ID, { description: 'Its id, which is not secret.' })
  id!: string

  @Field(() => String, { description: 'Whose it is: the name of the token, for a session of one.' })
  name!: string

  @Field(() => SessionOrigin, { description: 'How it began.' })
  by!: SessionOrigin

  @Field(() => String, { description: 'The IP address from which it began.' })
  address!: string

  @Field(() => Boolean, { description: 'The request came with it.' })
  current!: boolean

  @Field(() => DateTime, { description: 'When it began.' })
  createdAt!: string

  @Field(() => DateTime, { description: 'The last request with it, to about 15 minutes after a crash.' })
  lastUsedAt!: string

  @Field(() => DateTime, {
    description: 'When it ends, however much it is used. Without requests it ends after 12 hours.',
  })
  expiresAt!: string
}

@ObjectType({ ...SIMPLE, description: 'A new token.' })
export class CreatedToken {
  @Field(() => Token, { description: 'What is kept of it.' })
  token!: Token

  @Field(() => String, {
    description: 'The token itself: send it as `Authorization: Bearer …`. It is shown only here.',
  })
  text!: string
}

@ObjectType({ ...SIMPLE, description: 'Requests of one kind without a token.' })
export class AnonymousUse {
  @Field(() => String, { description: 'The address that they came from.' })
  address!: string

  @Field(() => String, { description: 'What was asked: `POST /graphql`, or the pattern of a legacy URL.' })
  request!: string

  @Field(() => Int, { description: 'How many.' })
  count!: number

  @Field(() => DateTime, { description: 'When the last one came.' })
  lastAt!: string
}

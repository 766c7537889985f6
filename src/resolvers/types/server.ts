import { Field, ID, Int, ObjectType } from 'type-graphql'
import { SchedulerStatus, ServerLink } from '../enums/health-enums.ts'
import { BigIntScalar, DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'The narrowest quota that limits the store.' })
export class StoreQuota {
  @Field(() => BigIntScalar, { description: 'Bytes that count against it.' })
  usedBytes!: number

  @Field(() => BigIntScalar, { description: 'Bytes that it allows.' })
  limitBytes!: number
}

@ObjectType({
  ...SIMPLE,
  description: 'What was deleted and can still be restored; it takes room until then.',
})
export class DeletedRoom {
  @Field(() => Int, { description: 'Number of full backups.' })
  backups!: number

  @Field(() => BigIntScalar, { description: 'What these full backups take, bytes.' })
  bytes!: number

  @Field(() => Int, {
    description: 'Number of snapshots of increments. What they take is known only when they are removed.',
  })
  snapshots!: number
}

@ObjectType({ ...SIMPLE, description: 'The store of a daemon, and its room.' })
export class StoreSpace {
  @Field(() => String, { description: 'Its driver: `local`, `moosefs` or `s3`.' })
  driver!: string

  @Field(() => BigIntScalar, { nullable: true, description: 'Free bytes; null if not known.' })
  freeBytes!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Size in bytes; null if not known.' })
  totalBytes!: number | null

  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'Bytes of deleted files that still take room; null if the store has no trash, or does not say.',
  })
  trashBytes!: number | null

  @Field(() => StoreQuota, { nullable: true, description: 'null if no quota is known.' })
  quota!: StoreQuota | null

  @Field(() => DeletedRoom, {
    nullable: true,
    description:
      'What was deleted in the namespace of this server and can still be restored; null if its daemon does not say.',
  })
  deletedRoom!: DeletedRoom | null

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether it keeps what is deleted as older versions, which take room until a rule of the bucket removes them. null if it has no versions, or does not tell.',
  })
  versions!: boolean | null

  @Field(() => String, { nullable: true, description: 'Why the store cannot be used; null if it can.' })
  error!: string | null
}

@ObjectType({ ...SIMPLE, description: 'What a daemon says about its own process.' })
export class ServerDebug {
  @Field(() => SchedulerStatus, { description: 'Whether it starts jobs on its own.' })
  schedulerStatus!: SchedulerStatus

  @Field(() => Int, { description: 'Number of runs that are queued or running.' })
  runningTasks!: number

  @Field(() => DateTime, { description: 'When the daemon started.' })
  startTime!: string

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it last accepted a list of jobs; null: not since its start.',
  })
  updateTime!: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'Open handles and timers; for a legacy daemon, its goroutines. null if not reported.',
  })
  goroutines!: number | null

  @Field(() => JsonScalar, {
    nullable: true,
    description: "Memory in bytes, with the names of the daemon's runtime; null if not reported.",
  })
  memStats!: { [name: string]: unknown } | null
}

@ObjectType({ ...SIMPLE, description: 'The certificate of a daemon.' })
export class ServerEnrolment {
  @Field(() => Boolean, {
    description: 'It was revoked: nobody talks to the daemon until it is invited again.',
  })
  revoked!: boolean

  @Field(() => DateTime, { description: 'When the daemon enrolled.' })
  enrolledAt!: string

  @Field(() => DateTime, {
    description: 'When the certificate expires. The daemon renews it after two thirds of 90 days.',
  })
  expiresAt!: string
}

@ObjectType({ ...SIMPLE, description: 'A join token, with which a daemon enrols.' })
export class ServerInvitation {
  @Field(() => ID, { description: 'The server that it is for.' })
  ip!: string

  @Field(() => String, { description: 'The join token: for `--join-file`, once. It is not shown again.' })
  token!: string

  @Field(() => DateTime, { description: 'When it expires.' })
  expiresAt!: string
}

@ObjectType({ ...SIMPLE, description: 'A machine that runs a daemon.' })
export class Server {
  @Field(() => ID, { description: 'Its IPv4 address, which is its name.' })
  ip!: string

  @Field(() => Boolean, { description: 'Its daemon answered the last request.' })
  reachable!: boolean

  @Field(() => Boolean, {
    description:
      'The list of its backups was read from its store since the controller started and since the last change. false: backups, and what keeps them, may be missing or have changed.',
  })
  backupsListed!: boolean

  @Field(() => DateTime, { nullable: true, description: 'When its daemon last answered; null: never.' })
  lastSeen!: string | null

  @Field(() => Boolean, {
    description: 'It left the inventory, and its daemon has not yet accepted the empty list of jobs.',
  })
  leaving!: boolean

  @Field(() => SchedulerStatus, {
    nullable: true,
    description: 'Whether its daemon starts jobs on its own; null if not known.',
  })
  schedulerStatus!: SchedulerStatus | null

  @Field(() => Int, {
    nullable: true,
    description: 'Number of runs that are queued or running; null if not known.',
  })
  runningTasks!: number | null

  @Field(() => Int, {
    nullable: true,
    description: 'Version of the protocol between controller and daemon; null for a legacy daemon.',
  })
  protocol!: number | null

  @Field(() => [String], {
    description: 'What its daemon can do beyond the legacy routes; `original` means nothing.',
  })
  capabilities!: string[]

  @Field(() => String, { nullable: true, description: 'Version of its daemon; null if not known.' })
  version!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'The time zone of schedules that name none; null if the daemon does not say.',
  })
  timeZone!: string | null

  @Field(() => ServerLink, { description: 'How the controller talks to its daemon.' })
  link!: ServerLink

  @Field(() => ServerEnrolment, {
    nullable: true,
    description: 'Its certificate; null if it never enrolled.',
  })
  enrolment!: ServerEnrolment | null

  @Field(() => StoreSpace, { nullable: true, description: "The daemon's store; null if not known." })
  store!: StoreSpace | null

  @Field(() => [String], {
    description: 'Everything that an operator should know, one sentence each; empty if all is well.',
  })
  /** Called only if it is selected, because it reads all present problems. */
  problems!: () => string[]
}

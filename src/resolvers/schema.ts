// The GraphQL API: resolvers, types and mappers. A resolver is one call into domain/; decorators stay in this folder.
// controller/ serves the schema. It may import only lib, wire and domain.

import 'reflect-metadata'
import type { GraphQLSchema } from 'graphql'
import { buildSchemaSync, type PubSub } from 'type-graphql'
import { AccessResolver } from './access-resolver.ts'
import { AlarmResolver, AlarmTargetResolver } from './alarm-resolver.ts'
import { AppResolver, InstanceResolver, ProcResolver, VolumeResolver } from './app-resolver.ts'
import { AuditResolver } from './audit-resolver.ts'
import { AuthorityResolver } from './authority-resolver.ts'
import { BackupResolver } from './backup-resolver.ts'
import { CatalogResolver } from './catalog-resolver.ts'
import { DeleteResolver } from './delete-resolver.ts'
import { DeletedBackupResolver } from './deleted-backup-resolver.ts'
import { FileResolver } from './file-resolver.ts'
import { HealthResolver } from './health-resolver.ts'
import { JobResolver } from './job-resolver.ts'
import { NotificationResolver } from './notification-resolver.ts'
import { PinResolver } from './pin-resolver.ts'
import { PlannedResolver } from './planned-resolver.ts'
import { BackupResultResolver, RecordResolver } from './record-resolver.ts'
import { RecoverPlanResolver } from './recover-plan-resolver.ts'
import { ServerResolver } from './server-resolver.ts'
import { SnapshotResolver } from './snapshot-resolver.ts'

/** Required by the library but unused, because every subscription has its own source of events. */
const noPubSub: PubSub = {
  publish() {
    throw new Error('Events go through domain/record-events and domain/alarms/alarm-events')
  },
  subscribe() {
    throw new Error('Events come from domain/watch-records and domain/watch-alarms')
  },
}

/** Creates the executable schema; schema.graphql is its text. */
export function createSchema(): GraphQLSchema {
  return buildSchemaSync({
    resolvers: [
      AppResolver,
      ProcResolver,
      InstanceResolver,
      VolumeResolver,
      JobResolver,
      RecordResolver,
      RecoverPlanResolver,
      BackupResultResolver,
      BackupResolver,
      FileResolver,
      AuthorityResolver,
      ServerResolver,
      SnapshotResolver,
      CatalogResolver,
      HealthResolver,
      DeleteResolver,
      DeletedBackupResolver,
      PinResolver,
      PlannedResolver,
      AccessResolver,
      AlarmResolver,
      AlarmTargetResolver,
      AuditResolver,
      NotificationResolver,
    ],
    pubSub: noPubSub,
    validate: false,
  })
}

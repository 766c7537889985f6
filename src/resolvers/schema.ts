import 'reflect-metadata'
import type { GraphQLSchema } from 'graphql'
import { buildSchemaSync, type PubSub } from 'type-graphql'
import { AppResolver, InstanceResolver, ProcResolver, VolumeResolver } from './app-resolver.ts'
import { BackupResolver } from './backup-resolver.ts'
import { CatalogResolver } from './catalog-resolver.ts'
import { JobResolver } from './job-resolver.ts'
import { BackupResultResolver, RecordResolver } from './record-resolver.ts'
import { ServerResolver } from './server-resolver.ts'
import { SnapshotResolver } from './snapshot-resolver.ts'

/** Every subscription brings its own source of events; the library insists on one of its own all the same. */
const noPubSub: PubSub = {
  publish() {
    throw new Error('Events go through domain/record-events')
  },
  subscribe() {
    throw new Error('Events come from domain/watch-records')
  },
}

/** The executable schema; schema.graphql is its text. */
export function createSchema(): GraphQLSchema {
  return buildSchemaSync({
    resolvers: [
      AppResolver,
      ProcResolver,
      InstanceResolver,
      VolumeResolver,
      JobResolver,
      RecordResolver,
      BackupResultResolver,
      BackupResolver,
      ServerResolver,
      SnapshotResolver,
      CatalogResolver,
    ],
    pubSub: noPubSub,
    validate: false,
  })
}

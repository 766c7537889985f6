import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql'
import { confirmClock } from '../domain/clocks.ts'
import { inviteServer, revokeServer } from '../domain/enrolments.ts'
import { readInventoryStatus } from '../domain/inventory-status.ts'
import { listJobs } from '../domain/jobs.ts'
import { countServers, findServers, getServer, listServers, readDebug } from '../domain/list-servers.ts'
import { readShownServerHealth } from '../domain/read-whole-health.ts'
import { startScheduler, stopScheduler } from '../domain/schedulers.ts'
import { newServer } from '../domain/server-state.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { toPage } from './filters.ts'
import { inTurns, type Listed } from './in-turns.ts'
import { toEnrolment, toInventoryStatus, toJob, toServer, toServerDebug } from './mapper.ts'
import type { Connection } from './types/connection.ts'
import { ServerConnection } from './types/connections.ts'
import { ServerHealth } from './types/health.ts'
import { InventoryStatus } from './types/inventory.ts'
import { Job } from './types/job.ts'
import { Server, ServerDebug, ServerEnrolment, ServerInvitation } from './types/server.ts'

const OF_APP = { nullable: true, description: 'Only servers on which this app has volumes.' }
const REPLACE = {
  nullable: true,
  defaultValue: false,
  description: 'The daemon may take the place of one that is enrolled.',
}
const REACHABLE = { nullable: true, description: 'Only servers whose daemon answers, or only the others.' }

@Resolver(() => Server)
export class ServerResolver {
  @Query(() => [Server], { description: 'The servers of the inventory, and those that are leaving it.' })
  servers(
    @Ctx() { world }: Context,
    @Arg('app', () => ID, OF_APP) app?: string,
    @Arg('reachable', () => Boolean, REACHABLE) reachable?: boolean,
  ): Listed<Server> {
    const found = listServers(world, { app: app ?? undefined, reachable: reachable ?? undefined })
    return inTurns(found.map(({ ip }) => toServer(world, ip)))
  }

  @Query(() => ServerConnection, { description: 'The same servers in pages, sorted by address.' })
  serverConnection(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('app', () => ID, OF_APP) app?: string,
    @Arg('reachable', () => Boolean, REACHABLE) reachable?: boolean,
  ): Connection<Server> {
    const wanted = { app: app ?? undefined, reachable: reachable ?? undefined }
    const slice = findServers(world, wanted, toPage(first ?? 50, after))
    return toConnection(
      slice,
      ({ ip }) => toServer(world, ip),
      () => countServers(world, wanted),
    )
  }

  @Query(() => Server, { nullable: true, description: 'One server; null if it is not known.' })
  server(@Ctx() { world }: Context, @Arg('ip', () => ID) ip: string): Server | null {
    return getServer(world, ip) ? toServer(world, ip) : null
  }

  @Query(() => InventoryStatus, { description: 'The inventory in force, and why a newer one is not.' })
  inventory(@Ctx() { world }: Context): InventoryStatus {
    return toInventoryStatus(readInventoryStatus(world))
  }

  @Mutation(() => Server, { description: 'Lets the server start jobs on its own again.' })
  async startScheduler(@Ctx() { world }: Context, @Arg('ip', () => ID) ip: string): Promise<Server> {
    return toServer(world, orThrow(await startScheduler(world, ip)).ip)
  }

  @Mutation(() => Server, {
    description: 'No job of the server starts on its own until `startScheduler`. Running jobs continue.',
  })
  async stopScheduler(@Ctx() { world }: Context, @Arg('ip', () => ID) ip: string): Promise<Server> {
    return toServer(world, orThrow(await stopScheduler(world, ip)).ip)
  }

  @Mutation(() => Server, {
    description:
      'Confirms that the clock of the server is right: it is no longer in doubt, and backups expire by it.',
  })
  async confirmClock(@Ctx() { world }: Context, @Arg('ip', () => ID) ip: string): Promise<Server> {
    return toServer(world, orThrow(await confirmClock(world, ip)).ip)
  }

  @Mutation(() => ServerInvitation, {
    description: 'Creates a join token for the daemon of a server, valid for an hour, and shows it once.',
  })
  async inviteServer(
    @Ctx() { world }: Context,
    @Arg('ip', () => ID) ip: string,
    @Arg('replace', () => Boolean, REPLACE) replace?: boolean,
  ): Promise<ServerInvitation> {
    return orThrow(await inviteServer(world, ip, replace ?? false))
  }

  @Mutation(() => ServerEnrolment, {
    description:
      'Ends the certificate of a daemon at once: its connections are closed, and nobody talks to it until it is invited again.',
  })
  async revokeServer(@Ctx() { world }: Context, @Arg('ip', () => ID) ip: string): Promise<ServerEnrolment> {
    return toEnrolment(orThrow(await revokeServer(world, ip)))
  }

  @FieldResolver(() => ServerDebug, { description: 'What its daemon says about itself, read now.' })
  async debug(@Ctx() { world }: Context, @Root() { ip }: Server): Promise<ServerDebug> {
    return toServerDebug(orThrow(await readDebug(world, ip)))
  }

  @FieldResolver(() => ServerHealth, { description: 'Whether its daemon, its store and its clock work.' })
  health(@Ctx() { world }: Context, @Root() { ip }: Server): ServerHealth {
    return readShownServerHealth(world, world.servers.get(ip) ?? newServer(ip))
  }

  @FieldResolver(() => [Job], { description: 'Its jobs, the expire job included.' })
  jobs(@Ctx() { world }: Context, @Root() { ip }: Server): Listed<Job> {
    return inTurns(listJobs(world, { server: ip }).map(toJob))
  }
}

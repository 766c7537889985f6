import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql'
import { confirmClock } from '../domain/clocks.ts'
import { listJobs } from '../domain/jobs.ts'
import { listServers, readDebug } from '../domain/list-servers.ts'
import { startScheduler, stopScheduler } from '../domain/schedulers.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { toInventoryStatus, toJob, toServer, toServerDebug } from './mapper.ts'
import { InventoryStatus } from './types/inventory.ts'
import { Job } from './types/job.ts'
import { Server, ServerDebug } from './types/server.ts'

@Resolver(() => Server)
export class ServerResolver {
  @Query(() => [Server])
  servers(
    @Ctx() { world }: Context,
    @Arg('app', () => ID, { nullable: true, description: 'Those that it has volumes on.' }) app?: string,
    @Arg('reachable', () => Boolean, { nullable: true }) reachable?: boolean,
  ): Server[] {
    const found = listServers(world, { app: app ?? undefined, reachable: reachable ?? undefined })
    return found.map(({ ip }) => toServer(world, ip))
  }

  @Query(() => Server, { nullable: true })
  server(@Ctx() { world }: Context, @Arg('ip', () => ID) ip: string): Server | null {
    return world.servers.has(ip) ? toServer(world, ip) : null
  }

  @Query(() => InventoryStatus)
  inventory(@Ctx() { world }: Context): InventoryStatus {
    return toInventoryStatus(world.inventory)
  }

  @Mutation(() => Server)
  async startScheduler(@Ctx() { world, who }: Context, @Arg('ip', () => ID) ip: string): Promise<Server> {
    return toServer(world, orThrow(await startScheduler(world, who, ip)).ip)
  }

  @Mutation(() => Server, {
    description: 'No job of it starts by itself until it is started again; what runs goes on.',
  })
  async stopScheduler(@Ctx() { world, who }: Context, @Arg('ip', () => ID) ip: string): Promise<Server> {
    return toServer(world, orThrow(await stopScheduler(world, who, ip)).ip)
  }

  @Mutation(() => Server, {
    description: 'Its clock is right: what `problems` says of it ends, and backups expire by it again.',
  })
  async confirmClock(@Ctx() { world, who }: Context, @Arg('ip', () => ID) ip: string): Promise<Server> {
    return toServer(world, orThrow(await confirmClock(world, who, ip)).ip)
  }

  @FieldResolver(() => ServerDebug, { description: "The daemon's own word on itself, asked now." })
  async debug(@Ctx() { world }: Context, @Root() { ip }: Server): Promise<ServerDebug> {
    return toServerDebug(orThrow(await readDebug(world, ip)))
  }

  @FieldResolver(() => [Job])
  jobs(@Ctx() { world }: Context, @Root() { ip }: Server): Job[] {
    return listJobs(world, { server: ip }).map(toJob)
  }
}

// The controller process: joins catalog, fleet and domain, and serves GraphQL, the legacy URLs (rest-compat/), news from
// daemons, health and the web pages on one port. cli/ starts it. It never touches a store or an engine.
// It may import lib, wire, http, metrics, catalog, fleet, domain, resolvers, rest-compat and client.

import { openCatalog } from '../catalog/catalog.ts'
import type { Execute } from '../client/execute.ts'
import type { AnonymousRole } from '../domain/access/principal.ts'
import { reportOpenAccess } from '../domain/access.ts'
import { closeWorld, createWorld, tick } from '../domain/controller.ts'
import { reportEndingTokens } from '../domain/ending-tokens.ts'
import { reportAuthorities } from '../domain/enrolment/report-authorities.ts'
import { reportEnrolments, warnOfPlainHttp } from '../domain/enrolment/report-enrolments.ts'
import { acceptInventory, hasInventory } from '../domain/inventory.ts'
import type { SettingsWatch } from '../domain/notify-ports.ts'
import { TURN_MS } from '../domain/own-stalls.ts'
import { acceptSettings } from '../domain/send-notifications.ts'
import { pollDue } from '../domain/servers.ts'
import type { ControllerSettings, World } from '../domain/world.ts'
import { createDaemonClient } from '../fleet/daemon-client.ts'
import { createMailClient } from '../fleet/mail-client.ts'
import { createWebhookClient } from '../fleet/webhook-client.ts'
import { INTERNAL_URL } from '../http/internal-link.ts'
import type { Clock } from '../lib/clock.ts'
import { DataRoom, type DataRoomOptions } from '../lib/data-room.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { Problems } from '../lib/problems.ts'
import type { TrustedClock } from '../lib/trusted-clock.ts'
import { FULL_DISK_TEXTS } from '../wire/health-texts.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import type { RunRecord } from '../wire/record.ts'
import { NO_SETTINGS } from '../wire/settings.ts'
import { warnOfAnonymousRanges } from './address-rules.ts'
import { ensureAdminToken } from './admin-token.ts'
import { hasAuthority, openAuthority } from './authority.ts'
import { keepControllerTime } from './clock-file.ts'
import type { ControllerOptions } from './controller-options.ts'
import { findDaemonConnector } from './daemon-connector.ts'
import { createEnrolmentFile, createFirstList } from './enrolment-file.ts'
import { createInventoryMemory, removeUnfinishedMemory } from './inventory-memory.ts'
import { keepAudit } from './keep-audit.ts'
import { type ControllerMeters, createMeters, noteEndedRun } from './metrics-route.ts'
import { serveController } from './serve.ts'

export interface Controller {
  /** `http://127.0.0.1:9002` */
  url: string
  /** Executes typed documents in this process. */
  execute: Execute
  /** What callers without a token may do at the start. */
  anonymous: AnonymousRole
  /** Reads the inventory and the settings again, even if they seem unchanged. */
  rereadInventory(): Promise<void>
  /** Rejects if the catalog can no longer be used: the controller must then be closed. */
  failure: Promise<never>
  close(): Promise<void>
}

/** Short, so that the daemons of a large fleet are asked a few at a time. */
const POLL_TICK_MS = 100
/** How often tokens and authorities that end soon are looked for. */
const TOKEN_CHECK_MS = 60_000

/**
 * Opens the catalog, listens, reads the inventory and talks to the daemons.
 * Throws one BackupdError that names the obstacle: the port, the data directory or the inventory.
 */
export async function startController(options: ControllerOptions): Promise<Controller> {
  await using parts = new AsyncDisposableStack()
  const { failure, onLost } = createFailure()
  const meters = createMeters()
  const { world, checkPages, authority } = await openWorld({ ...options, meters, onLost }, parts)
  const { url, execute } = await serveController(world, { ...options, meters, authority }, parts)
  world.settings.advertise ||= url
  const settings = await watchSettings(world, options, parts)
  const isRestored = hasInventory(world)
  if (isRestored) options.onListening?.(url)
  parts.adopt(await watchInventory(world, options), (it) => it.close())
  if (!options.stop?.aborted) {
    if (!isRestored) options.onListening?.(url)
    startTimers(world, parts)
    warnOfPlainHttp(world)
    parts.use(checkCatalog(world, checkPages, onLost))
  }
  const owned = parts.move()
  return {
    url,
    execute,
    anonymous: options.access.anonymous ?? (world.access.isEnforced ? 'none' : 'admin'),
    async rereadInventory() {
      await settings?.reread()
      await world.rereadInventory()
    },
    failure,
    close: () => owned.disposeAsync(),
  }
}

interface OpenOptions extends ControllerOptions {
  meters: ControllerMeters
  onLost(error: BackupdError): void
}

/** Opens the catalog, and creates the world from what it remembers. */
async function openWorld(options: OpenOptions, parts: AsyncDisposableStack) {
  const { log, dataDir, meters, onLost } = options
  let trustedClock: TrustedClock | undefined
  const clock: Clock = { ...options.clock, now: () => (trustedClock ?? options.clock).now() }
  const problems = new Problems(clock)
  const room = await openRoom({ dir: dataDir, clock, log, problems, texts: FULL_DISK_TEXTS }, parts)
  const onDiskFull = () => room.reportFull()
  const catalog = parts.adopt(await openCatalog({ ...options, clock, onDiskFull, onLost }), (it) =>
    it.close(),
  )
  trustedClock = keepControllerTime(options, parts)
  let opened: World | undefined
  const authority = await openOwnAuthority(options, trustedClock)
  const daemon = createDaemonClient({
    log,
    addressOf: (ip) => (opened?.servers.has(ip) ? options.addressOf(ip) : undefined),
    connectorTo: (ip) => opened && findDaemonConnector(opened, { authority, link: options.link }, ip),
    onSetAside: (ip, what, reasons) => opened?.setAside.note(ip, what, reasons),
  })
  const { identity, checkPages, ...stores } = catalog
  const webhooks = parts.adopt(createWebhookClient(), (it) => it.close())
  const onEnded = (record: RunRecord, endedAt: number) =>
    noteEndedRun(meters, record, options.clock.now() - endedAt)
  const settings = { ...makeSettings(options, identity), onEnded }
  removeUnfinishedMemory(dataDir)
  const inventoryMemory = createInventoryMemory(dataDir, log)
  const world = await createWorld({
    ports: {
      ...stores,
      daemon,
      inventoryMemory,
      webhooks,
      mail: createMailClient(),
      authority,
      enrolments: createEnrolmentFile(dataDir),
    },
    clock: options.clock,
    trustedClock,
    log,
    problems,
    settings,
    newsLimits: options.newsLimits,
  })
  opened = world
  reportEnrolments(world)
  world.enrolments.onChange((ip) => {
    daemon.endConnections(ip)
    reportEnrolments(world)
  })
  parts.defer(() => closeWorld(world))
  parts.defer(() => daemon.close())
  // Its questions fail when the daemons are closed.
  parts.defer(() => world.background.close())
  await keepAudit(world, options, parts)
  await ensureAdminToken(world, dataDir)
  if (options.access.anonymous === undefined) reportOpenAccess(world)
  warnOfAnonymousRanges(options.access.anonymousFrom ?? [], log)
  return { world, checkPages, authority }
}

/** Made at the first start that listens for daemons with certificates. */
async function openOwnAuthority({ dataDir, daemonTls }: ControllerOptions, clock: TrustedClock) {
  if (daemonTls && !(await hasAuthority(dataDir))) await createFirstList(dataDir)
  const authority = await openAuthority(dataDir, daemonTls ? clock.now() : undefined)
  await authority?.renewIfDue(clock.possibleTimes)
  return authority
}

function makeSettings(options: ControllerOptions, identity: string): ControllerSettings {
  const {
    volumeRoot,
    keepRecordsMs,
    overdueGraceMs,
    newsFrom = () => [],
    isLegacyPeer = () => false,
    takesOver = () => false,
    link,
  } = options
  return {
    advertise: options.advertise.replace(/\/+$/, ''),
    volumeRoot,
    keepRecordsMs,
    keepAuditMs: options.keepAuditMs ?? keepRecordsMs,
    undoWindowMs: options.undoWindowMs ?? 0,
    overdueGraceMs,
    newsFrom,
    isLegacyPeer,
    internal: link && { ip: link.ip, url: INTERNAL_URL },
    takesOver,
    identity,
    onInForce: ({ volumes }) => options.onPaths?.(volumes.map(({ path }) => path)),
  }
}

function startTimers(world: World, parts: AsyncDisposableStack): void {
  const timer = setInterval(() => {
    world.stalls.noteTurn()
    tick(world)
  }, TURN_MS)
  reportEndingTokens(world)
  reportAuthorities(world)
  const tokenTimer = setInterval(() => {
    reportEndingTokens(world)
    reportAuthorities(world)
  }, TOKEN_CHECK_MS)
  const pollTimer = setInterval(() => pollDue(world), POLL_TICK_MS)
  parts.defer(() => {
    clearInterval(timer)
    clearInterval(tokenTimer)
    clearInterval(pollTimer)
  })
}

/** A caller need not look at `failure`. */
function createFailure() {
  const { promise: failure, reject: onLost } = Promise.withResolvers<never>()
  failure.catch(() => {})
  return { failure, onLost: (error: BackupdError) => onLost(error) }
}

/** Checks the pages of a large catalog only now, because that takes longer than all the rest of the start. */
function checkCatalog(
  { log, problems }: World,
  checkPages: (signal: AbortSignal) => Promise<void>,
  onLost: (error: BackupdError) => void,
): AsyncDisposable {
  const closing = new AbortController()
  const checking = checkPages(closing.signal).catch((error) => {
    if (error instanceof BackupdError) return onLost(error)
    const text = `${messageOf(error)}. Restart the controller to check them`
    log.warn({ err: error }, text)
    problems.report({ source: 'catalog', key: 'pages', text })
  })
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await checking
    },
  }
}

/** Call it before openCatalog, which may need the reserve, and which reports a directory that cannot be created. */
async function openRoom(options: DataRoomOptions, parts: AsyncDisposableStack): Promise<DataRoom> {
  await makeFolder(options.dir).catch(() => {})
  return parts.adopt(await DataRoom.open(options), (it) => it.close())
}

/** Broken settings end the start; later ones do not. */
async function watchSettings(
  world: World,
  { settings }: ControllerOptions,
  parts: AsyncDisposableStack,
): Promise<SettingsWatch | undefined> {
  if (!settings) acceptSettings(world, { kind: 'settings', settings: NO_SETTINGS })
  const watching = await settings?.watch((news) => acceptSettings(world, news))
  if (watching) parts.defer(() => watching.close())
  return watching
}

/** Applies news of the inventory one at a time, in order. */
async function watchInventory(
  world: World,
  { inventory, stop }: ControllerOptions,
): Promise<{ close(): Promise<void> }> {
  let applied = Promise.resolve()
  const onNews = (news: InventoryNews) => {
    applied = applied
      .then(() => acceptInventory(world, news))
      .catch((error) =>
        world.log.error({ err: error }, `A new inventory could not be applied: ${messageOf(error)}`),
      )
  }
  const watching = await inventory.watch(onNews, { hasLastGood: hasInventory(world), stop })
  await applied
  world.rereadInventory = async () => {
    await watching.reread()
    await applied
  }
  return watching
}

import { join, resolve } from 'node:path'
import { systemClock } from '../lib/clock.ts'
import type { HookSettings } from '../wire/hook-settings.ts'
import { type AccessFlags, readAccessOptions, readTlsOptions } from './access-flags.ts'
import { parseAddress } from './address.ts'
import { parseLegacyPeers } from './legacy-peer.ts'
import { parseNewsFrom } from './news-from.ts'
import { type Connections, type MetricsFlags, readMetricsAddress } from './shared-flags.ts'
import { VERSION } from './version.ts'
import { webDir } from './web-dir.ts'

/** The flags of a daemon that `daemon` and `standalone` share. */
export interface CommonDaemonFlags {
  ip: string
  volumeRoot: string
  allowPath: string[]
  recoverDir?: string
  drillDir?: string
  allowHostHooks?: string
  containerSocket?: string
  allowedHost: string[]
  repositoryPasswordFile?: string
  takeOver: boolean
  claimStore: boolean
  newRepository: boolean
  maxSocketsPerPeer: Connections
}

/** The options of startDaemon() that both commands set in the same way. */
export function readCommonDaemonFlags(flags: CommonDaemonFlags) {
  const { ip, volumeRoot, takeOver, claimStore, newRepository, repositoryPasswordFile } = flags
  return {
    ip,
    volumeRoot,
    allowPaths: flags.allowPath,
    ...(flags.recoverDir !== undefined && { recoverDir: flags.recoverDir }),
    ...(flags.drillDir !== undefined && { drillDir: flags.drillDir }),
    hooks: readHookSettings(flags),
    ...(repositoryPasswordFile !== undefined && { repositoryPasswordFile }),
    takeOver,
    claimStore,
    newRepository,
    allowedHosts: flags.allowedHost,
    connections: flags.maxSocketsPerPeer,
    clock: systemClock,
    version: VERSION,
  }
}

function readHookSettings({ allowHostHooks, containerSocket }: CommonDaemonFlags): HookSettings {
  return {
    ...(allowHostHooks !== undefined && { hostDir: allowHostHooks }),
    ...(containerSocket !== undefined && { containerSocket }),
  }
}

/** The flags of a controller that `controller` and `standalone` share. */
export interface CommonControllerFlags extends AccessFlags, MetricsFlags {
  copyDir?: string
  settings?: string
  volumeRoot: string
  keepRecords: number
  keepAudit?: number
  undoWindow: number
  overdueGrace: number
  allowedHost: string[]
  newsFrom: string[]
  legacyPeer: string[]
  daemonTlsAddr?: string
  maxSocketsPerPeer: Connections
}

/** The options of startController() that both commands set in the same way. */
export function readCommonControllerFlags(flags: CommonControllerFlags, dataDir: string) {
  return {
    copyDir: resolve(flags.copyDir ?? join(dataDir, 'copies')),
    volumeRoot: flags.volumeRoot,
    keepRecordsMs: flags.keepRecords,
    keepAuditMs: flags.keepAudit ?? flags.keepRecords,
    undoWindowMs: flags.undoWindow,
    overdueGraceMs: flags.overdueGrace,
    newsFrom: parseNewsFrom(flags.newsFrom),
    isLegacyPeer: parseLegacyPeers(flags.legacyPeer),
    daemonTls:
      flags.daemonTlsAddr === undefined ? undefined : parseAddress('--daemon-tls-addr', flags.daemonTlsAddr),
    allowedHosts: flags.allowedHost,
    access: readAccessOptions(flags),
    tls: readTlsOptions(flags),
    metricsAddress: readMetricsAddress(flags),
    connections: flags.maxSocketsPerPeer,
    clock: systemClock,
    webDir,
    version: VERSION,
  }
}

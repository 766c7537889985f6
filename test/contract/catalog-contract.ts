import { describe } from 'vitest'
import { backupDemands } from './catalog/backups.ts'
import { copyDemands } from './catalog/copies.ts'
import { eventDemands } from './catalog/events.ts'
import { forgetDemands } from './catalog/forgetting.ts'
import { healthDemands } from './catalog/health.ts'
import { newestDemands } from './catalog/newest.ts'
import type { MakePlace } from './catalog/place.ts'
import { reconcileDemands } from './catalog/reconcile.ts'
import { recordListDemands } from './catalog/record-lists.ts'
import { recordDemands } from './catalog/records.ts'
import { seriesDemands } from './catalog/series.ts'
import { serverDemands } from './catalog/servers.ts'

/** What every catalog must do: what the ports of domain/ports.ts promise, whatever database is behind it. */
export function catalogContract(name: string, makePlace: MakePlace): void {
  describe(`catalog contract: ${name}`, () => {
    recordDemands(makePlace)
    recordListDemands(makePlace)
    eventDemands(makePlace)
    forgetDemands(makePlace)
    newestDemands(makePlace)
    backupDemands(makePlace)
    seriesDemands(makePlace)
    reconcileDemands(makePlace)
    serverDemands(makePlace)
    healthDemands(makePlace)
    copyDemands(makePlace)
  })
}

import { expect } from 'vitest'
import type { ControllerOptions } from '../../src/controller/controller-options.ts'
import { given } from './given.ts'
import {
  askGraphQL,
  socketClient,
  startTestController,
  startTestDaemon,
  toldInventory,
} from './real-controller.ts'
import { skippingClock } from './skipping-clock.ts'

const IP = '127.0.0.1'

/** A real controller whose time can run fast, and a daemon: if that ends, there is an alarm. */
export async function startAlarming(folder: string, more: Partial<ControllerOptions> = {}) {
  const clock = skippingClock()
  const daemon = await startTestDaemon(folder)
  const inventory = toldInventory(given.app('shop').proc('web').on(IP).volume('/data/db').inventory())
  const options = { folder, clock, daemonUrls: { [IP]: daemon.url }, inventory, ...more }
  const restart = () => startTestController(options)
  const controller = await restart()
  const ask = async () => (await askGraphQL(controller.url, '{ servers { reachable } }')).data
  await expect.poll(ask, { timeout: 30_000 }).toEqual({ servers: [{ reachable: true }] })
  return { clock, daemon, controller, restart }
}

interface ToldAlarm {
  seq: number
  kind: string
  alarm: { id: string; kind: string; clearedAt: string | null; acknowledged: { why: string } | null }
}

/** Follows the alarms. @param fields of each alarm, `kind` among them */
export function watchAlarms(url: string, fields: string, variables: { since?: number } = {}) {
  const query = `subscription ($since: Int) { alarmUpdated(since: $since) { seq kind alarm { ${fields} } } }`
  const client = socketClient(url)
  const events = client.iterate<{ alarmUpdated: ToldAlarm }>({ query, variables })
  const next = async (): Promise<ToldAlarm> => {
    const { data, errors } = (await events.next()).value
    if (errors) throw new Error(JSON.stringify(errors))
    return data.alarmUpdated
  }
  /** The first of a kind: on a machine that is short of something, others come before it. */
  const nextOf = async (kind: string): Promise<ToldAlarm> => {
    const told = await next()
    return told.alarm.kind === kind ? told : nextOf(kind)
  }
  return { next, nextOf, stop: () => client.dispose() }
}

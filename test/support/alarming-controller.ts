import { expect } from 'vitest'
import type { ControllerOptions } from '../../src/controller/controller-options.ts'
import { given } from './given.ts'
import { askGraphQL, startTestController, startTestDaemon, toldInventory } from './real-controller.ts'
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

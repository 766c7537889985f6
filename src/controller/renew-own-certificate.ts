import { possibleTimes, type World } from '../domain/world.ts'
import { messageOf } from '../lib/errors.ts'
import { MINUTE_MS } from '../lib/time-units.ts'
import type { Authority } from './authority.ts'

/** How often the controller's own certificate is looked at. */
const RENEWAL_CHECK_MS = MINUTE_MS

/** Renews the certificate that the controller shows to daemons. Dispose of it to stop. */
export function renewOwnCertificate(world: World, authority: Authority): Disposable {
  let timer: Disposable
  const check = async () => {
    try {
      const wasInvalid = await world.enrolments.inTurn(() => authority.renewIfDue(possibleTimes(world)))
      if (wasInvalid) for (const { ip } of world.enrolments.list()) world.enrolments.announce(ip)
      world.problems.clear('enrolment', 'controller')
    } catch (error) {
      const text = `Cannot renew the controller's own certificate: ${messageOf(error)}. It is tried again every minute`
      world.problems.report({ source: 'enrolment', key: 'controller', text })
    }
  }
  const wait = () => {
    timer = world.clock.after(RENEWAL_CHECK_MS, () => {
      void check()
      wait()
    })
  }
  wait()
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}

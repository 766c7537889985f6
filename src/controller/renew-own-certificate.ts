import { trustedNow, type World } from '../domain/world.ts'
import { messageOf } from '../lib/errors.ts'
import { HOUR_MS } from '../lib/time-units.ts'
import type { Authority } from './authority.ts'

/** How often the controller's own certificate is looked at. */
const RENEWAL_CHECK_MS = HOUR_MS

/** Renews the certificate that the controller shows to daemons. Dispose of it to stop. */
export function renewOwnCertificate(world: World, authority: Authority): Disposable {
  let timer: Disposable
  const check = async () => {
    // With a wrong clock, it could replace a good certificate by one that nobody accepts.
    if (world.trustedClock?.doubt) return
    try {
      await world.enrolments.inTurn(() => authority.renewIfDue(trustedNow(world)))
      world.problems.clear('enrolment', 'controller')
    } catch (error) {
      const text = `Cannot renew the controller's own certificate: ${messageOf(error)}. It is tried again every hour`
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

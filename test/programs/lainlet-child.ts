import { type Misbehaviour, startLainlet } from '../support/lainlet.ts'

/** A lainlet on a host of its own, controlled by messages. */
const [host = '', port = ''] = process.argv.slice(2)

export type LainletOrder = { tell: unknown } | { misbehave: Misbehaviour | null } | { cut: true }

const lainlet = await startLainlet({}, { host, port: Number(port) })
process.on('message', (order: LainletOrder) => {
  if ('tell' in order) lainlet.tell(order.tell)
  else if ('misbehave' in order) lainlet.misbehave(order.misbehave ?? undefined)
  else lainlet.cut()
})
process.on('disconnect', () => process.exit(0))
process.send?.('listening')

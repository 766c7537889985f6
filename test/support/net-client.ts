import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { NetHost } from './net-hosts.ts'

export interface HttpAnswer {
  /** 0 if there was no answer within ten seconds. */
  status: number
  body: unknown
}

export interface HttpQuestion {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Sends HTTP requests from inside a host. */
export interface NetClient extends Disposable {
  ask(url: string, question?: HttpQuestion): Promise<HttpAnswer>
}

const CHILD = fileURLToPath(new URL('../programs/net-client-child.ts', import.meta.url))

export async function netClient(host: NetHost): Promise<NetClient> {
  const child = host.spawn(process.execPath, [CHILD], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, (answer: HttpAnswer) => void>()
  let count = 0
  child.on('message', ({ id, ...answer }: HttpAnswer & { id: number }) => {
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  await once(child, 'spawn')
  return {
    ask(url, question = {}) {
      const { promise, resolve } = Promise.withResolvers<HttpAnswer>()
      const id = count++
      waiting.set(id, resolve)
      child.send({ id, url, question })
      return promise
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}

import type { ChildProcess } from 'node:child_process'

// Calls between two processes over Node's own channel. Arguments and results are plain data.

interface Question {
  call: number
  name: string
  args: unknown[]
}

interface Reply {
  call: number
  result?: unknown
  error?: string
}

type Functions = Record<string, (...args: never[]) => unknown>

/** Each function of the other process, called from here. */
export type Remote<Api> = {
  [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never
}

/** Answers the calls of the parent process, and ends this process with it. */
export function answerCalls(api: object): void {
  const functions = api as Functions
  process.on('message', (message) => {
    if (!isQuestion(message)) return
    const { call, name, args } = message
    const answered = (async () => functions[name]?.(...(args as never[])))()
    answered.then(
      (result) => process.send?.({ call, result }),
      (error) => process.send?.({ call, error: String(error?.stack ?? error) }),
    )
  })
  process.on('disconnect', () => process.exit())
}

/** Calls functions of a child process, which answers with answerCalls(). A call fails if the child ends. */
export function callsTo<Api>(child: ChildProcess): Remote<Api> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let calls = 0
  child.on('message', ({ call, result, error }: Reply) => {
    const asked = waiting.get(call)
    waiting.delete(call)
    if (error === undefined) asked?.resolve(result)
    else asked?.reject(new Error(error))
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('The process ended before it answered'))
  })
  const ask = (name: string, args: unknown[]) => {
    const asked = Promise.withResolvers<unknown>()
    waiting.set(++calls, asked)
    child.send({ call: calls, name, args } satisfies Question)
    return asked.promise
  }
  return new Proxy({} as Remote<Api>, {
    get: (_, name) => (name === 'then' ? undefined : (...args: unknown[]) => ask(String(name), args)),
  })
}

function isQuestion(message: unknown): message is Question {
  return typeof message === 'object' && message !== null && 'call' in message && 'name' in message
}

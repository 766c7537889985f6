import type { HttpQuestion } from '../support/net-client.ts'

/** A daemon and a controller answer within this. */
const PATIENCE_MS = 10_000

process.on('message', async ({ id, url, question }: { id: number; url: string; question: HttpQuestion }) => {
  process.send?.({ id, ...(await answerTo(url, question)) })
})

async function answerTo(url: string, question: HttpQuestion) {
  try {
    const response = await fetch(url, { ...question, signal: AbortSignal.timeout(PATIENCE_MS) })
    const text = await response.text()
    return { status: response.status, body: parsed(text) }
  } catch (error) {
    return { status: 0, body: String(error) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

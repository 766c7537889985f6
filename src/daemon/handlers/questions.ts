import { z } from 'zod'
import { parseShape } from '../../wire/json.ts'
import { QUESTIONS, type Question } from '../../wire/questions.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts, DaemonRoute } from '../http/route.ts'
import { checkOwnNamespace, readBackupName, readNamespace } from './names.ts'
import { checkReady } from './run-request.ts'

/** One route for each row of QUESTIONS. */
export const QUESTION_ROUTES: readonly DaemonRoute[] = Object.values(QUESTIONS).map((question) => ({
  method: question.method,
  path: question.path,
  handle: (call, world) => answerQuestion(question, call, world),
}))

async function answerQuestion(
  question: Question,
  call: DaemonCall,
  world: DaemonParts,
): Promise<DaemonAnswer> {
  const namespace = readNamespace(call.fields, world.ip)
  if (question.changesStore) {
    checkOwnNamespace(namespace, world.ip)
    checkReady(world)
  }
  const args = parseShape(question.what, { ...readArgs(question, call), namespace }, question.args)
  const answered = await world.engine.ask(question.action, args)
  return { status: 200, body: parseShape(`The answer to ${question.path}`, answered, question.answer) }
}

function isList(shape: unknown): boolean {
  return (shape instanceof z.ZodOptional ? shape.unwrap() : shape) instanceof z.ZodArray
}

/** The fields of the request that the question knows, and the name in its path. */
function readArgs({ args }: Question, { params, fields }: DaemonCall): Record<string, unknown> {
  const given = Object.entries(args.shape)
    .filter(([name]) => fields.has(name))
    .map(([name, shape]) => [name, isList(shape) ? fields.list(name) : fields.text(name)])
  return {
    ...Object.fromEntries(given),
    ...(params.name === undefined ? {} : { name: readBackupName(params.name) }),
  }
}

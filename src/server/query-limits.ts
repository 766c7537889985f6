import { ApolloArmor } from '@escape.tech/graphql-armor'
import { GraphQLError, type ValidationContext, type ValidationRule } from 'graphql'
import { pageLimitRule } from './page-limit-rule.ts'

const MAX_DEPTH = 12
const MAX_ALIASES = 30
const MAX_DIRECTIVES = 50
/** Far above what a page of 500 with all its fields costs; pages within pages are the page rule's. */
const MAX_COST = 100_000
/** Nodes of a page, times those of each page within. */
const MAX_NODES = 5000

/** What a query may ask for at once; the same over HTTP and WebSocket. A refusal has the code TOO_COSTLY. */
export function queryLimits(): ValidationRule[] {
  const limit = { propagateOnRejection: false, onReject: [refuse], flattenFragments: true }
  const { validationRules } = new ApolloArmor({
    maxDepth: { n: MAX_DEPTH, ...limit },
    costLimit: { maxCost: MAX_COST, ...limit },
    maxAliases: { n: MAX_ALIASES, allowList: ['__typename'], ...limit },
    maxDirectives: { n: MAX_DIRECTIVES, ...limit },
    maxTokens: { enabled: false },
    blockFieldSuggestion: { enabled: false },
  }).protect()
  return [...validationRules, pageLimitRule(MAX_NODES)]
}

function refuse(context: ValidationContext | null, { message }: GraphQLError): void {
  const words = message.replace('Syntax Error: ', '')
  context?.reportError(new GraphQLError(words, { extensions: { code: 'TOO_COSTLY' } }))
}

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'

export interface WatchedRoute {
  method: string
  path: string
}

/** The routes of each app that this process creates from now on, one list for each app. */
export function watchRoutes(): WatchedRoute[][] {
  const apps: WatchedRoute[][] = []
  const onApp = (message: unknown) => {
    const routes: WatchedRoute[] = []
    apps.push(routes)
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push({ method: one, path: url })
    })
  }
  subscribe('fastify.initialization', onApp)
  onTestFinished(() => void unsubscribe('fastify.initialization', onApp))
  return apps
}

/** `GET /api/v1/debug` */
export function nameRoute({ method, path }: WatchedRoute): string {
  return `${method} ${path}`
}

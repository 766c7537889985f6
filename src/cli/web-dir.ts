import { fileURLToPath } from 'node:url'

/** The built GraphQL IDE: beside the built program, or in `dist` if the sources run directly. */
export const webDir = fileURLToPath(new URL('../../dist/web/ide', import.meta.url))

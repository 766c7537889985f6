import { fileURLToPath } from 'node:url'

/** The built GraphQL IDE: beside the built program, or in `dist` where the sources run as they are. */
export const webDir = fileURLToPath(new URL('../../dist/web/ide', import.meta.url))

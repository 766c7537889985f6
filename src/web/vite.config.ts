import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The GraphQL IDE as static files: nothing is fetched from elsewhere when it runs. */
export default defineConfig({
  root: here('./ide'),
  base: '/ide/',
  build: { outDir: here('../../dist/web/ide'), emptyOutDir: true, chunkSizeWarningLimit: 8000 },
})

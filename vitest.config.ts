import { globSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { STARTED, TEST_PROGRAM } from './scripts/bundle.ts'

/** A test that changes what is global in its process, or measures it, has a process of its own. */
const NEEDS_OWN_PROCESS =
  /vi\.(spyOn|stub|useFakeTimers)|setDefaultCACertificates|process\.(chdir|umask|memoryUsage|resourceUsage)|monitorEventLoopDelay|recorded-disk|run-quietly/
const ALONE = globSync('test/**/*.test.ts').filter((file) =>
  NEEDS_OWN_PROCESS.test(readFileSync(file, 'utf8')),
)

/** Folders whose tests share processes, because they load much the same modules; those with the longest tests first. */
const PROGRAMS = ['faults', 'compat', 'process', 'cluster', 'attacks']
const BACKUPS = ['daemon', 'engine', 'restic', 'store', 'objects', 'archive', 'volume']
const OTHERS = readdirSync('test', { withFileTypes: true }).flatMap((each) =>
  each.isDirectory() && ![...PROGRAMS, ...BACKUPS].includes(each.name) ? [each.name] : [],
)
const GROUPS = { programs: PROGRAMS, backups: BACKUPS, others: OTHERS }
const FOLDERS = Object.values(GROUPS).flat()

/** Keeps the files of a folder together, those alone first. */
class FolderByFolder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b))
  }
}

function placeOf({ moduleId, project }: TestSpecification): number {
  const [folder = ''] = relative('test', moduleId).split('/')
  return project.name === 'alone' ? -1 : FOLDERS.indexOf(folder)
}

/**
 * What our code and our tests start is built: it loads twice as fast as the sources. `globalSetup` builds it when it is
 * older than them.
 */
const startWhatIsBuilt = {
  name: 'start-what-is-built',
  transform: (code: string) =>
    code
      .replaceAll(STARTED, (_, name) => nameBuilt(`dist/program/${name}.js`))
      .replaceAll(TEST_PROGRAM, (_, name) => nameBuilt(`dist/test-programs/${name}.js`)),
}

function nameBuilt(file: string): string {
  return `new URL(${JSON.stringify(new URL(file, import.meta.url))})`
}

export default defineConfig({
  plugins: [startWhatIsBuilt],
  // One copy of graphql: its CommonJS and module builds refuse each other's schemas.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    environment: 'node',
    globalSetup: 'test/support/build-first.ts',
    pool: 'forks',
    // Much of the time is spent waiting for programs that the tests start.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // What is waited for comes within moments; a loaded machine may take longer.
    expect: { poll: { timeout: 30_000 } },
    sequence: { sequencer: FolderByFolder },
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/generated/**', 'src/web/**'] },
    // A process needs up to eight seconds to load our modules, which is more than most tests.
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE, isolate: true } },
      ...Object.entries(GROUPS).map(([name, folders]) => ({
        extends: true as const,
        test: {
          name,
          include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
          exclude: ALONE,
          isolate: false,
        },
      })),
    ],
  },
})

/**
 * Reads stores as `npm run crash -- --power` made them: `read-cuts.ts DIRECTORY FIRST END SESSION`, the directories are numbered.
 * It says one line of JSON for each. Damage may end this process: then the store behind the last line is the damaged one.
 */

import { join } from 'node:path'
import { checkStore } from '../../../components/store-lmdb/commands/check.ts'
import { storeLmdbConfig } from '../../../components/store-lmdb/config.ts'
import { Environment } from '../../../components/store-lmdb/environment.ts'
import { OpenStore } from '../../../components/store-lmdb/open-store.ts'
import { RecordingLogger } from '../recording-logger.ts'

const main = async ([directory = '', first = '0', end = '0', session = '']: readonly string[]): Promise<void> => {
  for (let number = Number(first); number < Number(end); number += 1) {
    const found = await read(join(directory, String(number)), session)
    process.stdout.write(`${JSON.stringify({ number, ...found })}\n`)
  }
}

const read = async (path: string, session: string): Promise<object> => {
  try {
    const problems = await problemsOf(path)
    if (problems.length > 0) return { problem: `store check: ${problems.join(', ')}` }
    const log = new RecordingLogger()
    const store = await OpenStore.open(storeLmdbConfig.parse({ path }), log)
    const queued = store.read(session, 0, 1_000_000).map(({ message }) => [message.topic, textOf(message.payload)])
    const retained: string[][] = []
    for await (const page of store.restore().retained) {
      retained.push(...page.map(({ message }) => [message.topic, textOf(message.payload)]))
    }
    const { damaged } = store
    await store.finish(AbortSignal.timeout(10_000))
    await store.environment.close()
    return damaged > 0 ? { problem: `${damaged} messages cannot be read` } : { queued, retained }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

const problemsOf = async (path: string): Promise<readonly string[]> => {
  const environment = Environment.open(path)
  try {
    return (await checkStore(environment, () => undefined)).problems
  } finally {
    await environment.close()
  }
}

const textOf = (payload: Uint8Array): string => Buffer.from(payload).toString()

await main(process.argv.slice(2))

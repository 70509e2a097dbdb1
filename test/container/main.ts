import { once } from 'node:events'
import { createSystem, formatError } from '../../src/system/index.ts'
import { system } from './notes.ts'

try {
  const running = createSystem(system)
  await running.start()
  await once(process, 'SIGTERM')
  await running.stop()
} catch (error) {
  process.stderr.write(`${formatError(error)}\n`)
  process.exitCode = 1
}

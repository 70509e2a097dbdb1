import { once } from 'node:events'
import { tcp } from '../../components/tcp/index.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { quietSystem } from './start-broker.ts'

/** A broker as systemd starts it: with a listening socket as file 3. It prints a line for each start, and ends with its input. */
export const main = async (): Promise<number> => {
  // The process that starts another one knows its number only afterwards: systemd sets this between fork and exec.
  process.env['LISTEN_PID'] = String(process.pid)
  const config = {
    ...quietSystem,
    activated: { component: tcp, config: { fd: 3 }, dependencies: { logger: 'logger' } },
  }
  const first = createSystem(config)
  await first.start()
  process.stdout.write('started\n')
  await once(process.stdin, 'data')
  const second = createSystem(config, { suspended: await first.suspend() })
  await second.start()
  process.stdout.write('reset\n')
  await once(process.stdin.resume(), 'end')
  await second.stop()
  return 0
}

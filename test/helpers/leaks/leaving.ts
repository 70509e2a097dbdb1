/** A component that leaves behind what its config says. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { defineComponent } from '../../../src/system/define-system.ts'
import { kind, optional } from '../../../src/system/kind.ts'

/** What ends it, for the test. */
type Release = () => unknown

const makers: Readonly<Record<string, () => Release | Promise<Release>>> = {
  timeout: () => {
    const timer = setTimeout(() => {}, 90_000)
    return () => clearTimeout(timer)
  },
  interval: async () => {
    await Promise.resolve()
    const timer = setInterval(() => {}, 1_000).unref()
    return () => clearInterval(timer)
  },
  server: async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return () => server.close()
  },
  socket: async () => {
    const server = createServer((accepted) => accepted.on('error', () => {}).resume()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
    await Promise.all([once(socket, 'connect'), once(server, 'connection')])
    // The server ends with its last connection: the one that it accepted stays open with the other.
    server.close()
    return () => socket.destroy()
  },
  watcher: () => {
    const watcher = watch(import.meta.dirname)
    return () => watcher.close()
  },
  process: () => {
    const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    return () => child.kill()
  },
  worker: () => {
    const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
    return () => worker.terminate()
  },
  // Nothing of this is left behind.
  none: async () => {
    clearInterval(setInterval(() => {}, 1_000))
    const http = createHttpServer((_request, response) => response.end('yes')).listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port } = http.address() as { port: number }
    await (await fetch(`http://127.0.0.1:${port}`)).text()
    http.closeAllConnections()
    http.close()
    await once(http, 'close')
    return () => {}
  },
}

export interface Leaving {
  readonly name: string
  /** What was left, for the test to end. */
  readonly releases: Release[]
  /** Crosses a hand-over. */
  server: Server | undefined
  /** Makes a timer in its own code. Another component may call it. */
  remind(): void
}

export const LeavingKind = kind<Leaving>()('Leaving')

export const whatIsLeft = ['timeout', 'interval', 'server', 'socket', 'watcher', 'process', 'worker', 'none'] as const

const config = z.strictObject({
  leaves: z.enum(whatIsLeft).default('none'),
  fails: z.boolean().default(false),
  value: z.number().default(0),
})

const create = (name: string): Leaving => ({
  name,
  releases: [],
  server: undefined,
  remind() {
    const timer = setTimeout(() => {}, 70_000)
    this.releases.push(() => clearTimeout(timer))
  },
})

/** @param versionOfCode of two calls with different numbers, the results are two versions of one component. */
export const leavingComponent = (versionOfCode = 0) =>
  defineComponent({
    provides: LeavingKind,
    needs: { neighbour: optional(LeavingKind) },
    config,
    describe: () => `${versionOfCode}`,
    start: async ({ leaves, fails }, { neighbour }, { name }) => {
      const instance = create(name)
      instance.releases.push(await makers[leaves]!())
      neighbour?.remind()
      if (fails) throw Object.assign(new Error('no'), { instance })
      return instance
    },
    adjust: () => ({ commit: () => {}, undo: () => {} }),
    stop: () => {},
  })

/** A server that its instances hand over, and a timer that they do not. */
export const handingOver = (_versionOfCode: number) =>
  defineComponent({
    provides: LeavingKind,
    needs: {},
    config,
    start: async (_config, _dependencies, { name }) => {
      const instance = create(name)
      instance.server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1')
      await once(instance.server, 'listening')
      instance.remind()
      return instance
    },
    handover: {
      format: 'leaving',
      version: 1,
      prepare: (_config, _dependencies, { name }) => create(name),
      give: ({ server, releases }) => ({ server, releases }),
      take: (instance, { server, releases }: Pick<Leaving, 'server' | 'releases'>) => {
        instance.server = server
        instance.releases.push(...releases)
        return () => {}
      },
      retire: () => {},
    },
    stop: () => {},
  })

/** A server that goes over with `suspend` and `resume`, and a timer that does not. */
export const resuming = (versionOfCode: number) => {
  const { handover: _handover, ...component } = handingOver(versionOfCode)
  return defineComponent({
    ...component,
    suspend: ({ server, releases }) => ({ server, releases }),
    resume: (_config, _dependencies, suspended, { name }) => {
      const { server, releases } = suspended as Pick<Leaving, 'server' | 'releases'>
      const instance = create(name)
      instance.server = server
      instance.releases.push(...releases)
      return instance
    },
  })
}

/** The programs themselves, in processes of their own, over a system of two small components. */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, relative, resolve } from 'node:path'
import { describe } from 'vitest'
import { partSource, test, timeout } from '../helpers/dev-loop/world.ts'

const repository = resolve(import.meta.dirname, '../..')

describe.concurrent('npm run go with piped input', { timeout }, () => {
  test('says what runs in which order, answers, stops in order, and exits with 0', async ({ world, expect }) => {
    const program = world.go()
    program.finish('status()')
    expect(await program.ended()).toBe(0)
    expect(program.output).toMatch(/1 {2}log +Logger +info .* ms\n +2 {2}server +Listener +127\.0\.0\.1:0 .* ms\n/)
    expect(program.output).toMatch(/Running 2 components, started in .* ms/)
    expect(program.output).toMatch(/server +Listener +running/)
    expect(program.output).toMatch(/server stopped\nlog stopped\nStopped in .* ms\.\n$/)
  })

  test('awaits each line before the next, and the last before the end', async ({ world, expect }) => {
    const program = world.go()
    program.finish(
      'new Promise((resolve) => setTimeout(resolve, 60, "first"))',
      '"second"',
      'function later() {',
      '  return new Promise((resolve) => setTimeout(resolve, 60, "third")) }',
      'const value = await later()',
      'value',
      'reset()',
      'Promise.reject(new Error("refused"))',
      'system.server.port > 0',
    )
    expect(await program.ended()).toBe(1)
    expect(program.output).toMatch(
      /'first'\n'second'\n(\.\.\. |\| )?'third'\nreset: nothing changed, .*; no client was connected\nAll 2 components kept .*\nrefused\ntrue\n/,
    )
  })

  test('what a component leaves behind is told with its place: when it stops, and at a reset', async ({
    world,
    expect,
  }) => {
    const program = world.go('--set', 'server.fail=leak')
    await program.said('Running 2 components')
    const line = partSource.split('\n').findIndex((text) => text.includes("fail === 'leak'")) + 1
    const leak = `server left a timer (1,000 ms), ${relative(repository, world.directory)}/parts.ts`
    const edited = `// A line more.\n${partSource.replace("greeting: 'one'", "greeting: 'two'")}`
    world.write('parts.ts', edited)
    program.type('reset()')
    await program.said(`${leak}:${line}\nreset: `)
    program.finish('stop()')
    expect(await program.ended()).toBe(0)
    expect(program.output).toContain(`${leak}:${line + 1}\nStopped in`)
  })

  test('input that ends in the middle of a statement is an error', async ({ world, expect }) => {
    const program = world.go()
    program.finish('status(')
    expect(await program.ended()).toBe(1)
    expect(program.output).toContain('the input ended in the middle of a statement')
    expect(program.output).toContain('server stopped')
  })

  test('the commands', async ({ world, expect }) => {
    const program = world.go('--set', 'log.level=warn')
    program.finish(
      'help',
      'config',
      "log('debug')",
      'await reset(); log()',
      'graph()',
      "graph('wiring.dot')",
      'reset',
      'clients()',
      "log('loud')",
      'stop()',
      'system.server',
    )
    expect(await program.ended()).toBe(1)
    expect(program.output).toMatch(/reset\(\) +loads what has changed/)
    expect(program.output).toContain("component: <Listener>, dependencies: { log: 'log' }")
    expect(program.output).toContain("config: { level: 'warn' }")
    expect(program.output.match(/The log is at debug\./g)).toHaveLength(2)
    expect(program.output).toMatch(/server +Listener +● running/)
    expect(readFileSync(join(world.directory, 'system.svg'), 'utf8')).toContain('<svg')
    expect(readFileSync(join(world.directory, 'wiring.dot'), 'utf8')).toMatch(/^digraph [\s\S]*running/)
    expect(program.output).toContain('Drawn in wiring.dot.')
    expect(program.output.match(/^ *reset\(\) +loads what has changed/gm)).toHaveLength(2)
    expect(program.output).toContain('this system has no broker')
    // Nothing is coloured over a pipe, and what the user asks for in vain is no error that escaped.
    expect(program.output).not.toContain('\u001b')
    expect(program.output).not.toContain('Uncaught')
    expect(program.output).toContain('there is no level "loud"')
    expect(program.output).toContain('server is not running: it is stopped')
  })

  test('a taken port says who wants it and how to change it; once it is free, reset recovers', async ({
    world,
    expect,
  }) => {
    const occupant = createServer().listen(0, '127.0.0.1')
    await once(occupant, 'listening')
    const { port } = occupant.address() as { port: number }
    const program = world.go('--set', `server.port=${port}`)
    await program.said('Nothing is running')
    expect(program.output).toMatch(/the start of server failed.*EADDRINUSE/)
    expect(program.output).toMatch(/change it with server\.config\.port or --set server\.port=\d+/)
    expect(program.output).not.toContain('Running')
    await new Promise((resolve) => occupant.close(resolve))
    program.finish('reset()', 'status()')
    expect(await program.ended()).toBe(1)
    expect(program.output).toMatch(/server +Listener +running/)
  })

  test('wrong settings are reported together with their places', async ({ world, expect }) => {
    const program = world.go('--set', 'server.prot=1', '--set', 'sever.port=1', '--set', 'server.host=5')
    program.finish()
    expect(await program.ended()).toBe(1)
    expect(program.output).toContain("did you mean 'port'? (set by --set server.prot)")
    expect(program.output).toContain("sever.port: there is no component 'sever'; did you mean 'server'?")
    expect(program.output).toContain('2 problems')
  })

  test('SIGINT stops in order; a second one ends a stop that hangs', async ({ world, expect }) => {
    const program = world.go()
    await program.said('Running')
    program.process.kill('SIGINT')
    expect(await program.ended()).toBe(130)
    expect(program.output).toContain('server stopped\nlog stopped')

    const hanging = world.go('--set', 'server.hang=stop')
    await hanging.said('Running')
    hanging.process.kill('SIGINT')
    await hanging.said('SIGINT: stopping')
    hanging.process.kill('SIGINT')
    expect(await hanging.ended()).toBe(130)
  })

  test('SIGTERM interrupts a start and stops what had started', async ({ world, expect }) => {
    const program = world.go('--set', 'server.hang=start')
    await program.said('server starts')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(0)
    expect(program.output).toContain('log stopped')
    expect(program.output).not.toContain('Running')
  })

  test('variables of the environment set values; what comes from a file is not shown', async ({ world, expect }) => {
    world.write('greeting', 'sesame\n')
    world.environment = { MQTT_JIG__LOG__LEVEL_FILE: join(world.directory, 'greeting'), MQTT_JIG__SERVER__PORT: '0' }
    const program = world.go()
    program.finish('config', 'config.log.config', 'config.log.config.level.length')
    expect(await program.ended()).toBe(0)
    expect(program.output).toContain('config: { level: <secret> }')
    expect(program.output).toMatch(/^\{ level: <secret> \}$/m)
    expect(program.output).toContain('config: { port: 0 }')
    expect(program.output).toMatch(/^6$/m)
  })

  test('SIGHUP stops in order: the terminal has been closed', async ({ world, expect }) => {
    const program = world.go()
    await program.said('Running')
    program.process.kill('SIGHUP')
    expect(await program.ended()).toBe(0)
    expect(program.output).toContain('server stopped\nlog stopped')
  })

  test('a stop that takes long says which component it waits for', async ({ world, expect }) => {
    const program = world.go('--set', 'server.hang=stop')
    await program.said('Running')
    world.write('parts.ts', partSource.replace("greeting: 'one'", "greeting: 'two'"))
    program.type('reset()')
    await program.said('Still stopping: server\n')
    expect(program.output).not.toContain('Still starting')

    const leaving = world.go('--set', 'server.hang=stop')
    await leaving.said('Running')
    leaving.process.kill('SIGTERM')
    await leaving.said('Still stopping: server\n')
  })

  test('a start that takes long says so as well', async ({ world }) => {
    await world.go('--set', 'server.hang=start').said('Still starting: server\n')
  })

  test('--watch resets on save', async ({ world, expect }) => {
    const program = world.go('--watch')
    program.type('"ready"')
    await program.said("'ready'")
    writeFileSync(join(world.directory, 'parts.ts'), partSource.replace("greeting: 'one'", "greeting: 'saved'"))
    await program.said('Reloaded')
    program.finish('system.server.greeting')
    expect(await program.ended()).toBe(0)
    expect(program.output).toContain("'saved'")
  })
})

describe.concurrent('npm start', { timeout }, () => {
  test('SIGTERM stops in order, exit code 0', async ({ world, expect }) => {
    const program = world.start('--set', 'log.level=warn')
    await program.said('is running')
    expect(program.output).toContain('log (warn), server (127.0.0.1:0)')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(0)
    // Two pipes: what comes through one says nothing of when it came through the other.
    expect(program.messages()).toEqual([expect.stringContaining('is running'), 'SIGTERM: stopping'])
    expect(program.output.replace(/^\{.*\n/gm, '')).toContain('server stopped\nlog stopped\n')
  })

  test('SIGINT stops in order, exit code 0', async ({ world, expect }) => {
    const program = world.start('--set', 'log.level=warn')
    await program.said('is running')
    expect(program.output).toContain('log (warn), server (127.0.0.1:0)')
    program.process.kill('SIGINT')
    expect(await program.ended()).toBe(0)
    // Two pipes: what comes through one says nothing of when it came through the other.
    expect(program.messages()).toEqual([expect.stringContaining('is running'), 'SIGINT: stopping'])
    expect(program.output.replace(/^\{.*\n/gm, '')).toContain('server stopped\nlog stopped\n')
  })

  test('a start or stop that takes long says which component it waits for', async ({ world }) => {
    await world.start('--set', 'server.hang=start').said('Still starting: server')
    const program = world.start('--set', 'server.hang=stop')
    await program.said('is running')
    program.process.kill('SIGTERM')
    await program.said('Still stopping: server')
  })

  test('SIGHUP ends nothing, and says what was read again', async ({ world, expect }) => {
    const program = world.start('--set', 'server.hang=stop')
    await program.said('is running')
    program.process.kill('SIGHUP')
    await program.said('SIGHUP: server: 3 users, 1 added')
    program.process.kill('SIGHUP')
    await program.said('SIGHUP: nothing has changed in the config and in the files that it names')
    expect(program.output).not.toContain('stopping')
    program.process.kill('SIGTERM')
    await program.said('SIGTERM: stopping')
    // Neither is it the second signal, which would end a stop that hangs.
    const before = program.output.length
    program.process.kill('SIGHUP')
    await program.said('SIGHUP: nothing was read again: the system is stopping.', before)
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(143)
  })

  test('SIGHUP says what could not be read, and the system runs on', async ({ world, expect }) => {
    const program = world.start('--set', 'server.fail=refresh')
    await program.said('is running')
    program.process.kill('SIGHUP')
    await program.said('the refresh of server failed: line 3 is bad')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(0)
  })

  test('a second signal ends a stop that hangs', async ({ world, expect }) => {
    const program = world.start('--set', 'server.hang=stop')
    await program.said('is running')
    program.process.kill('SIGTERM')
    await program.said('SIGTERM: stopping')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(143)
  })

  test('a start that fails: the error, what had started is stopped, exit code 1', async ({ world, expect }) => {
    const occupant = createServer().listen(0, '127.0.0.1')
    await once(occupant, 'listening')
    const program = world.start('--set', `server.port=${(occupant.address() as { port: number }).port}`)
    expect(await program.ended()).toBe(1)
    expect(program.output).toContain('is taken')
    expect(program.output).toContain('log stopped')
    occupant.close()
  })

  test('a stop that fails: exit code 1, and everything else is stopped', async ({ world, expect }) => {
    const program = world.start('--set', 'server.fail=stop')
    await program.said('is running')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(1)
    expect(program.output).toContain('log stopped')
    expect(program.output).toContain('the stop of server failed')
  })

  test.for(['throw', 'reject'])(
    'an error that escapes (%s): what runs is stopped, exit code 70',
    async (fail, { world, expect }) => {
      const program = world.start('--set', `server.fail=${fail}`)
      expect(await program.ended()).toBe(70)
      expect(program.output).toContain('An error escaped from a component')
      expect(program.output).toContain('server stopped\nlog stopped')
    },
  )

  test('an error that escapes while a signal is being obeyed: exit code 70', async ({ world, expect }) => {
    const program = world.start('--set', 'server.fail=late throw')
    await program.said('is running')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(70)
    expect(program.output).toContain('server stopped\nlog stopped')
  })

  test('what a component left open does not keep the process, and is named', async ({ world, expect }) => {
    const program = world.start('--set', 'server.fail=leak')
    await program.said('is running')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(0)
    expect(program.output).toContain('keeps the process from ending (Timeout)')
  })

  test('a reader of the output may end first', async ({ world, expect }) => {
    const program = world.start('--set', 'server.fail=talk')
    await program.said('is running')
    program.process.stdout!.destroy()
    await program.said('nobody listens')
    program.process.kill('SIGTERM')
    expect(await program.ended()).toBe(0)
  })
})

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tty from 'node:tty'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { logger } from './index.ts'
import { PinoLogger, type PinoLoggerOptions } from './pino-logger.ts'

/** Descriptors that are terminals. */
const terminals = new Set<number>()

let folder: string
beforeEach(async () => {
  vi.spyOn(tty, 'isatty').mockImplementation((descriptor) => terminals.has(descriptor))
  syncBuiltinESMExports()
  folder = await mkdtemp(join(tmpdir(), 'mqtt-jig-logger-'))
})
afterEach(async () => {
  terminals.clear()
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  await rm(folder, { recursive: true })
})

const path = () => join(folder, 'logs', 'broker.log')
const open = (options: Partial<PinoLoggerOptions> = {}) =>
  PinoLogger.open({ level: 'info', format: 'json', destination: path(), ...options })
const lines = async () =>
  (await readFile(path(), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('the logger', () => {
  it('has a config that may be left out', () => {
    expect(logger.config.parse({})).toEqual({
      level: 'info',
      format: 'auto',
      destination: 'stdout',
      tailLines: 1_000,
      tailCharacters: 1_000_000,
    })
  })

  it('writes the message, the details and the fields of child loggers, to a file in a folder it makes', async () => {
    const log = await open()
    log.child({ component: 'server' }).child({ listener: 1 }).warn({ port: 1883 }, 'The port is taken')
    await log.close()
    expect(await lines()).toEqual([
      expect.objectContaining({ level: 40, component: 'server', listener: 1, port: 1883, msg: 'The port is taken' }),
    ])
  })

  it('writes errors with their stack and cause', async () => {
    const log = await open()
    log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'It failed')
    await log.close()
    const [line] = await lines()
    expect(line).toMatchObject({ err: { message: 'outer: inner', stack: expect.stringContaining('logger.test.ts') } })
  })

  it('keeps its last lines, and has no tail if it is to keep none', async () => {
    for (const tailLines of [0, 2]) {
      const log = await open({ tailLines, tailCharacters: 1_000 })
      for (const text of ['one', 'two', 'three']) log.info({}, text)
      await log.close()
      const texts = log.tail?.lines().map(({ json }) => (JSON.parse(json) as { readonly msg: string }).msg)
      expect(texts).toEqual(tailLines === 0 ? undefined : ['two', 'three'])
    }
  })

  it('applies a new level at once, to child loggers made before too', async () => {
    const log = await open()
    const child = log.child({ component: 'server' })
    child.debug({}, 'not yet')
    log.level = 'debug'
    child.debug({}, 'now')
    child.level = 'silent'
    log.error({}, 'no more')
    expect([log.level, child.level]).toEqual(['silent', 'silent'])
    await log.close()
    expect((await lines()).map(({ msg }) => msg)).toEqual(['now'])
  })

  it('has methods that may be handed about', async () => {
    const log = await open()
    const { info } = log
    info({}, 'detached')
    await log.close()
    expect((await lines()).map(({ msg }) => msg)).toEqual(['detached'])
  })

  it('writes lines for people when asked', async () => {
    const log = await open({ format: 'pretty' })
    log.child({ component: 'server' }).info({ host: '127.0.0.1', port: 1883, count: 2 }, 'Listening on 127.0.0.1:1883')
    await log.close()
    const text = await readFile(path(), 'utf8')
    expect(text).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: \[server\] Listening on 127\.0\.0\.1:1883 count=2\n$/)
  })

  it('writes an error for people in a line, with its stack below', async () => {
    const log = await open({ format: 'pretty' })
    log.error({ err: new Error('no room'), task: 'will', empty: '' }, 'A task failed')
    await log.close()
    const [line, ...stack] = (await readFile(path(), 'utf8')).trimEnd().split('\n')
    expect(line).toMatch(/ERROR: A task failed task=will$/)
    expect(stack[0]).toBe('    Error: no room')
    expect(stack[1]).toMatch(/^ {8}at .*logger\.test\.ts/)
  })

  it('keeps an event on one line, with any text from a client', async () => {
    const log = await open({ format: 'pretty' })
    log.info(
      { user: 'b\u009b31m', long: 'x'.repeat(200) },
      'Client connected: a\n[00:00:00.000] INFO: \u001b[2Jforged\u2028',
    )
    await log.close()
    const text = await readFile(path(), 'utf8')
    expect(text.trimEnd().split(/[\n\u2028]/)).toHaveLength(1)
    expect(text).toContain('Client connected: a\\u000a[00:00:00.000] INFO: \\u001b[2Jforged\\u2028 user=b\\u009b31m')
    expect(text).toMatch(/ long=x{60}…\n$/)
  })

  it('says which levels are written', async () => {
    const log = await open({ level: 'warn' })
    const child = log.child({})
    expect([child.isLevelEnabled('info'), child.isLevelEnabled('warn')]).toEqual([false, true])
    log.level = 'debug'
    expect(child.isLevelEnabled('info')).toBe(true)
    log.level = 'silent'
    expect(child.isLevelEnabled('fatal')).toBe(false)
    await log.close()
  })

  it('writes to a terminal through the stream of the process, which a prompt can watch', async () => {
    terminals.add(2)
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const log = await open({ format: 'auto', destination: 'stderr' })
    log.info({}, 'Listening')
    await log.close()
    log.info({}, 'too late')
    expect(write).toHaveBeenCalledTimes(1)
    expect(stripVTControlCharacters(String(write.mock.calls[0]![0]))).toMatch(/INFO: Listening\s*\n$/)
  })

  it('discards what is logged after it was closed', async () => {
    const log = await open()
    const child = log.child({})
    await log.close()
    child.error({}, 'too late')
    expect(await lines()).toEqual([])
  })

  it('fails to open what cannot be written, with the error of the operating system', async () => {
    await expect(open({ destination: folder })).rejects.toMatchObject({ code: 'EISDIR' })
  })

  it.skipIf(process.platform === 'win32')('survives the end of the program that reads it', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const reader = spawn('head', ['-n', '1', pipe], { stdio: ['ignore', 'ignore', 'inherit'] })
    const log = await open({ destination: pipe })
    log.info({}, 'read')
    await once(reader, 'exit')
    log.info({}, 'without a reader: EPIPE')
    await log.close()
    log.info({}, 'discarded')
  })
})

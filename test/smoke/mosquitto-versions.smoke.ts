import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { endPrograms, type Program, run, startBrokerProgram } from './program.ts'

let broker: Program
let port: number
beforeAll(async () => {
  const started = await startBrokerProgram()
  broker = started.program
  port = started.port
})
afterEach(() => endPrograms(broker))
afterAll(() => endPrograms())

describe.each(['mqttv31', 'mqttv311', 'mqttv5'])('the mosquitto clients with -V %s', (version) => {
  const common = () => ['-h', '127.0.0.1', '-p', String(port), '-V', version]
  /** Subscribes, and waits until the broker has granted it: -d prints that. */
  const subscribe = async (...options: string[]): Promise<Program> => {
    // Into a pipe it would write nothing before it ends: stdbuf has it write line by line.
    const format = options.includes('-F') ? [] : ['-F', 'got %t %q %r %p']
    const args = ['-oL', 'mosquitto_sub', ...common(), '-W', '20', '-d', ...format, ...options]
    const subscriber = run('stdbuf', args)
    await subscriber.line(/^Subscribed /)
    return subscriber
  }
  const publish = async (...options: string[]): Promise<void> => {
    expect(await run('mosquitto_pub', [...common(), ...options]).ended).toBe(0)
  }
  /** What a subscriber got when it has ended. */
  const got = async (subscriber: Program): Promise<string[]> => {
    expect(await subscriber.ended).toBe(0)
    return subscriber.lines.filter((line) => line.startsWith('got ')).map((line) => line.slice(4))
  }

  test.each(['0', '1', '2'])('deliver at QoS %s', async (qos) => {
    const topic = `${version}/qos/${qos}`
    const subscriber = await subscribe('-t', `${version}/qos/+`, '-q', qos, '-C', '1')
    await publish('-t', topic, '-m', 'Hello', '-q', qos)
    expect(await got(subscriber)).toEqual([`${topic} ${qos} 0 Hello`])
  })

  test('find retained messages', async () => {
    const topic = `${version}/retained`
    await publish('-t', topic, '-m', 'kept', '-q', '1', '-r')
    const subscriber = await subscribe('-t', `${version}/retained/#`, '-q', '1', '-C', '1')
    expect(await got(subscriber)).toEqual([`${topic} 1 1 kept`])
    await publish('-t', topic, '-n', '-q', '1', '-r')
  })

  test('have a will', async () => {
    const topic = `${version}/will`
    const witness = await subscribe('-t', topic, '-q', '2', '-C', '1')
    const will = ['--will-topic', topic, '--will-payload', 'gone', '--will-qos', '2']
    const args = [...common(), '-t', `${version}/nothing`, '-d', ...will]
    const lost = run('stdbuf', ['-oL', 'mosquitto_sub', ...args])
    await lost.line(/^Subscribed /)
    lost.child.kill('SIGKILL')
    expect(await got(witness)).toEqual([`${topic} 2 0 gone`])
  })

  test('share a subscription', async () => {
    const topic = `${version}/shared`
    const filter = `$share/group/${topic}`
    const members = [
      await subscribe('-t', filter, '-q', '1', '-C', '2'),
      await subscribe('-t', filter, '-q', '1', '-C', '2'),
    ]
    for (const payload of ['1', '2', '3', '4']) await publish('-t', topic, '-m', payload, '-q', '1')
    const shares = await Promise.all(members.map(got))
    expect(shares.flat().sort()).toEqual(['1', '2', '3', '4'].map((payload) => `${topic} 1 0 ${payload}`))
  })

  test('find in their session what came while they were away', async () => {
    const topic = `${version}/session`
    const session = ['-i', `${version}-session`, '-c', ...(version === 'mqttv5' ? ['-x', '600'] : [])]
    const first = await subscribe('-t', topic, '-q', '1', '-C', '1', ...session)
    await publish('-t', topic, '-m', 'first', '-q', '1')
    expect(await got(first)).toEqual([`${topic} 1 0 first`])
    for (const payload of ['second', 'third']) await publish('-t', topic, '-m', payload, '-q', '1')
    const again = run('stdbuf', [
      ...['-oL', 'mosquitto_sub', ...common(), '-W', '20', '-F', 'got %t %q %r %p'],
      ...['-t', topic, '-q', '1', '-C', '2', ...session],
    ])
    expect(await got(again)).toEqual([`${topic} 1 0 second`, `${topic} 1 0 third`])
  })

  test('ask and answer', async () => {
    const [topic, answers] = [`${version}/request`, `${version}/response`]
    const format = version === 'mqttv5' ? 'got %R %p' : 'got %p'
    const responder = await subscribe('-t', topic, '-q', '1', '-C', '1', '-F', format)
    const requester = run('stdbuf', [
      ...['-oL', 'mosquitto_rr', ...common(), '-W', '20', '-q', '1'],
      ...['-t', topic, '-e', answers, '-m', 'how much?'],
    ])
    const answer = requester.line(/^42$/)
    expect(await got(responder)).toEqual([version === 'mqttv5' ? `${answers} how much?` : 'how much?'])
    await publish('-t', answers, '-m', '42', '-q', '1')
    await answer
    expect(await requester.ended).toBe(0)
  })
})
